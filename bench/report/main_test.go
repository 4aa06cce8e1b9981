package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRowsOfAllBenchmarksBecomeOneTable(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"a.json":    `[{"what":"up","rival":"docker compose","unit":"s","etcdctr":1,"theirs":4,"wanted":0.4}]`,
		"b.json":    `[{"what":"writes","rival":"without","unit":"1/s","etcdctr":120,"theirs":150,"wanted":0.98,"more":true}]`,
		"last.json": `[{"what":"up","rival":"docker compose","unit":"s","etcdctr":2,"theirs":4},{"what":"gone","rival":"x","unit":"s","etcdctr":2,"theirs":4}]`,
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	all := filepath.Join(dir, "all.json")
	if err := run(&out, filepath.Join(dir, "last.json"), all, []string{filepath.Join(dir, "a.json"), filepath.Join(dir, "b.json")}); err != nil {
		t.Fatal(err)
	}
	want := `what     etcdctr   docker compose   ratio   wanted
up       1.00 s    4.00 s           0.25    0.40
what     etcdctr   without          ratio   wanted
writes   120 1/s   150 1/s          0.80    0.98 or more

ratio of             was    is
up, docker compose   0.50   0.25
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	again, err := read(all)
	if err != nil || len(again) != 2 || !again[1].Short() || again[0].Short() {
		t.Errorf("kept was %+v (%v)", again, err)
	}
	if err := run(&out, filepath.Join(dir, "none.json"), all, nil); err != nil {
		t.Errorf("without an earlier run: %v", err)
	}
}

package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden reports on the events that each archive in testdata begins with,
// and wants the rest of it.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			golden, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := &txtar.Archive{Comment: golden.Comment, Files: append(golden.Files[:1:1], results(t, golden.Files[0].Data)...)}
			if diff := cmp.Diff(string(txtar.Format(golden)), string(txtar.Format(got))); diff == "" {
				return
			} else if !*update {
				t.Fatalf("%s differs (-want +got); -update rewrites it:\n%s", file, diff)
			}
			if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func results(t *testing.T, events []byte) []txtar.File {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "report")
	var out strings.Builder
	err := run(strings.NewReader(string(events)), &out, dir)
	files := []txtar.File{{Name: "output", Data: []byte(out.String())}}
	if err != nil {
		files = append(files, txtar.File{Name: "error", Data: []byte(err.Error() + "\n")})
	}
	for _, name := range []string{"report.json", "report.xml"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, txtar.File{Name: name, Data: data})
	}
	return files
}

func TestNamesAreReadAsSentences(t *testing.T) {
	for name, want := range map[string]string{
		"TestDataSurvivesDownAndUp":                    "data survives down and up",
		"TestSmokeComposeStartsAHealthyCluster":        "compose starts a healthy cluster",
		"TestTLSMatrix/TLS_1.1/client_port":            "TLS matrix: TLS 1.1, client port",
		"TestAcknowledgedWritesSurvive/kill_-9_of_all": "acknowledged writes survive: kill -9 of all",
		"TestRefusesPEMRevocationLists":                "refuses PEM revocation lists",
	} {
		if got := sentence(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

package logs

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the outputs")

// Lines as the three releases and others have written them, one server a file, and
// what is told of them.
func TestLinesAreRead(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var names Names
			var got strings.Builder
			for _, f := range archive.Files[1:] {
				for line := range strings.Lines(string(f.Data)) {
					e := Read(f.Name, strings.TrimSuffix(line, "\n"), time.Time{})
					names.Learn(e)
					fmt.Fprintln(&got, tell(e, &names))
				}
			}
			if *update {
				archive.Files[0].Data = []byte(got.String())
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(archive.Files[0].Data), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func tell(e Entry, names *Names) string {
	told := []string{e.Server, e.Level.String(), names.Put(e.Message)}
	if !e.Time.IsZero() {
		told = append([]string{e.Time.Format(time.TimeOnly)}, told...)
	}
	fields, rest := names.Telling(e, 4)
	for _, f := range fields {
		told = append(told, f.Name+"="+f.Quoted())
	}
	if rest > 0 {
		told = append(told, fmt.Sprintf("+%d", rest))
	}
	return strings.Join(told, " ")
}

func TestFilterChoosesByLevelAndByWhatIsSeenOrWritten(t *testing.T) {
	e := Entry{Level: Warn, Message: "0123456789abcdef is slow", Text: `{"msg":"0123456789abcdef is slow"}`}
	for _, test := range []struct {
		filter Filter
		want   bool
	}{
		{Filter{}, true},
		{Filter{Level: Warn}, true},
		{Filter{Level: Error}, false},
		{Filter{Grep: regexp.MustCompile("^etcd1 is")}, true},
		{Filter{Grep: regexp.MustCompile("0123.*slow")}, true},
		{Filter{Level: Info, Grep: regexp.MustCompile("fast")}, false},
	} {
		if got := test.filter.Wants(e, "etcd1 is slow"); got != test.want {
			t.Errorf("%v: %v, want %v", test.filter, got, test.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"level":"info","msg":"x","a":[1,{"b":null}]}`)
	f.Add("2026-11-28T19:53:31.014383Z\tinfo\traft\tx.go:1\tx\t{\"a\": 1}")
	f.Add(`{"level":"info"`)
	f.Fuzz(func(t *testing.T, line string) {
		e := Read("etcd1", line, time.Time{})
		if e.Text != line || e.Server != "etcd1" {
			t.Errorf("%q was read as %+v", line, e)
		}
	})
}

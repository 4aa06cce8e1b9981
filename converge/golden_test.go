package converge_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// Each archive has a situation in words and the plan that comes of it.
func TestPlans(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := planOf(t, string(archive.Files[0].Data))
			if *update {
				archive.Files = append(archive.Files[:1], txtar.File{Name: "plan", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[1].Data), got); diff != "" {
				t.Errorf("wanted (-) and got (+):\n%s", diff)
			}
		})
	}
}

// planOf reads a situation: lines of a verb with what it is about, the wanted
// members, releases and the kind of each member.
func planOf(t *testing.T, text string) string {
	t.Helper()
	w := world{want: 3, minor: 7, agreed: 7, stored: 7}
	asked := converge.Asked{Verb: converge.Up}
	var members []string
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case "verb":
			fields := strings.Fields(value)
			asked.Verb, asked.Servers = converge.Verb(fields[0]), fields[1:]
		case "data":
			w.memory = value == "memory"
		case "want":
			w.want = number(t, value)
		case "want etcd":
			w.minor = number(t, strings.TrimPrefix(value, "3."))
		case "have etcd":
			w.agreed = number(t, strings.TrimPrefix(value, "3."))
			w.stored = w.agreed
		default:
			members = append(members, value)
		}
	}
	w.founders = len(members)
	for slot, kind := range members {
		put(t, &w, slot, kind)
	}
	w.settle()
	steps, err := converge.Plan(w.situation(asked, nil))
	text = steps.String()
	if err != nil {
		text += fmt.Sprintf("refused: %v\n", err)
	}
	return text
}

func put(t *testing.T, w *world, slot int, kind string) {
	t.Helper()
	for _, k := range kinds {
		if k.name == kind {
			k.put(w, slot)
			return
		}
	}
	t.Fatalf("there is no kind of member %q", kind)
}

func number(t *testing.T, text string) int8 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 8)
	if err != nil {
		t.Fatal(err)
	}
	return int8(n)
}

// What serves beside the members is of no release of etcd.
func TestAServiceBesideTheMembersIsPreparedWithoutARelease(t *testing.T) {
	w := world{want: 3, minor: 7, agreed: 7, stored: 7, founders: 3}
	for slot := range 3 {
		put(t, &w, slot, "serving")
	}
	w.settle()
	s := w.situation(converge.Asked{Verb: converge.Up}, nil)
	s.Changes = append(s.Changes, runtime.Change{Server: "prometheus", Kind: runtime.Missing})
	steps, err := converge.Plan(s)
	if err != nil || len(steps) == 0 || steps[0].String() != "prepare prometheus: before anything is touched" {
		t.Errorf("%v\n%s", err, steps)
	}
}

// What a service has left, such as a Prometheus that is not wanted any more, is no
// service that has to run.
func TestDataOfAServiceThatIsNotWantedIsLeftAlone(t *testing.T) {
	w := world{want: 3, minor: 7, agreed: 7, stored: 7, founders: 3}
	for slot := range 3 {
		put(t, &w, slot, "serving")
	}
	w.settle()
	s := w.situation(converge.Asked{Verb: converge.Up}, nil)
	s.Have.Servers = append(s.Have.Servers, runtime.Server{Name: "prometheus", Role: runtime.Service, Status: runtime.Absent})
	if steps, err := converge.Plan(s); err != nil || len(steps) > 0 {
		t.Errorf("%v\n%s", err, steps)
	}
}

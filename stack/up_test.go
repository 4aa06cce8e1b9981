package stack

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the files that tests compare with")

// Each file of testdata/plan tells a story: what ran, what happened to it, what
// is wanted now, and the plan that leads there.
func TestPlanUp(t *testing.T) {
	files, err := filepath.Glob("testdata/plan/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories in testdata/plan", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			story, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := tell(t, story)
			want := section(story, "plan")
			if *update {
				replaceSection(story, "plan", got)
				if err := os.WriteFile(file, txtar.Format(story), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

// tell plays a story and gives the plan, its notes and its error as text.
func tell(t *testing.T, story *txtar.Archive) string {
	t.Helper()
	e, p := newFakeEngine(), fakeProber{silent: map[string]bool{}}
	d := &Driver{Engine: e, Prober: &p, WaitTimeout: time.Second}
	if before := section(story, "before.yml"); before != "" {
		if _, err := d.Up(t.Context(), wanted(t, before), false); err != nil {
			t.Fatal(err)
		}
	}
	for line := range strings.Lines(section(story, "happens")) {
		happen(t, e, &p, strings.Fields(line))
	}
	plan, err := d.PlanUp(t.Context(), wanted(t, section(story, "wanted.yml")))
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	text := plan.String()
	for _, n := range plan.Notes {
		text += "note: " + n + "\n"
	}
	if plan.Empty() {
		text += "nothing to do\n"
	}
	return text
}

// happen does what a line of a story says.
func happen(t *testing.T, e *fakeEngine, p *fakeProber, words []string) {
	t.Helper()
	subject, verb := words[0], words[1]
	if verb == "leads" {
		p.leader = subject
		return
	}
	if verb == "is-silent" {
		p.silent[subject] = true
		return
	}
	c, err := e.find(subject)
	if err != nil {
		t.Fatal(err)
	}
	switch verb {
	case "exits":
		c.status, c.exit = container.StateExited, 1
	case "keeps-ending":
		c.status, c.exit = container.StateRestarting, 1
	case "ends":
		c.status = container.StateExited
	case "is-paused":
		c.status = container.StatePaused
	case "is-removed":
		delete(e.containers, c.id)
	case "is-renamed":
		c.name = words[2]
	case "is-replacing":
		c.config.Labels[replaceLabel] = c.config.Labels[serviceLabel] + "-1"
	case "belongs-to":
		c.config.Labels[projectLabel] = words[2]
	default:
		t.Fatalf("a story knows no %q", verb)
	}
}

func section(a *txtar.Archive, name string) string {
	i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == name })
	if i < 0 {
		return ""
	}
	return string(a.Files[i].Data)
}

func replaceSection(a *txtar.Archive, name, text string) {
	i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == name })
	if i < 0 {
		a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(text)})
		return
	}
	a.Files[i].Data = []byte(text)
}

// wanted reads a Compose file. The IDs of its images are their references.
func wanted(t *testing.T, file string) Wanted {
	t.Helper()
	p, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  "/project",
		ConfigFiles: []types.ConfigFile{{Filename: "/project/docker-compose.yml", Content: []byte(file)}},
		Environment: types.Mapping{},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := Wanted{Project: p, Images: map[string]string{}}
	for _, ref := range ImageRefs(p) {
		w.Images[ref] = "sha256:" + ref
	}
	return w
}

// three is a stack of three members.
const three = `
name: p
x-member: &member
  image: etcd
  labels: {io.etcdctr.role: member}
  networks: [cluster]
services:
  etcd1: {<<: *member, volumes: ["etcd1-data:/var/lib/etcd"]}
  etcd2: {<<: *member, volumes: ["etcd2-data:/var/lib/etcd"]}
  etcd3: {<<: *member, volumes: ["etcd3-data:/var/lib/etcd"]}
networks: {cluster: {internal: true}}
volumes: {etcd1-data: , etcd2-data: , etcd3-data: }
`

func TestUpThatIsInterruptedAtAnyStepLeavesNothing(t *testing.T) {
	eachStep(t, func(t *testing.T, e *fakeEngine, step int) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		e.before = at(step, func() error { cancel(); return nil })
		d := &Driver{Engine: e, Prober: fakeProber{}, WaitTimeout: time.Second}
		_, err := d.Up(ctx, wanted(t, three), false)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Up gave %v, want context.Canceled", err)
		}
		if !e.empty() {
			t.Errorf("left behind after %q", e.calls)
		}
	})
}

func TestUpThatFailsAtAnyStepRemovesWhatItCreatedAndNothingElse(t *testing.T) {
	eachStep(t, func(t *testing.T, e *fakeEngine, step int) {
		t.Helper()
		bad := errors.New("no space left on device")
		e.before = at(step, func() error { return bad })
		d := &Driver{Engine: e, Prober: fakeProber{}, WaitTimeout: time.Second}
		if _, err := d.Up(t.Context(), wanted(t, three), false); !errors.Is(err, bad) {
			t.Errorf("Up gave %v, want %v", err, bad)
		}
		if !e.empty() {
			t.Errorf("left behind after %q", e.calls)
		}
	})
}

// An engine whose disk is full fails, and has the volume all the same.
func TestUpThatFailsRemovesWhatTheEngineMadeInPart(t *testing.T) {
	eachStep(t, func(t *testing.T, e *fakeEngine, step int) {
		t.Helper()
		bad := errors.New("no space left on device")
		e.after = at(step, func() error { return bad })
		d := &Driver{Engine: e, Prober: fakeProber{}, WaitTimeout: time.Second}
		if _, err := d.Up(t.Context(), wanted(t, three), false); !errors.Is(err, bad) {
			t.Errorf("Up gave %v, want %v", err, bad)
		}
		if !e.empty() {
			t.Errorf("left behind after %q", e.calls)
		}
	})
}

// A program that is killed removes nothing.
func TestUpFinishesWhatAnotherLeftAtAnyStep(t *testing.T) {
	eachStep(t, func(t *testing.T, e *fakeEngine, step int) {
		t.Helper()
		e.before = at(step, func() error { return errors.New("killed") })
		d := &Driver{Engine: e, Prober: fakeProber{}, WaitTimeout: time.Second}
		const keep = true
		if _, err := d.Up(t.Context(), wanted(t, three), keep); err == nil {
			t.Fatal("the first Up went through")
		}
		e.before = func(string) error { return nil }
		if _, err := d.Up(t.Context(), wanted(t, three), false); err != nil {
			t.Fatalf("the second Up: %v", err)
		}
		wantAsWanted(t, d)
	})
}

func TestReplacementFinishesWhatAnotherLeftAtAnyStep(t *testing.T) {
	changed := strings.Replace(three, "image: etcd", "image: etcd\n  environment: {ETCD_SNAPSHOT_COUNT: 5000}", 1)
	for step := 1; ; step++ {
		e := newFakeEngine()
		d := &Driver{Engine: e, Prober: fakeProber{leader: "etcd2"}, WaitTimeout: time.Second}
		if _, err := d.Up(t.Context(), wanted(t, three), false); err != nil {
			t.Fatal(err)
		}
		e.before = at(step, func() error { return errors.New("killed") })
		if _, err := d.Up(t.Context(), wanted(t, changed), false); err == nil {
			return // that was the last step
		}
		running := 0
		for _, c := range e.containers {
			if c.status == container.StateRunning {
				running++
			}
		}
		if running < 2 {
			t.Errorf("step %d: %d members run, less than a quorum", step, running)
		}
		e.before = func(string) error { return nil }
		if _, err := d.Up(t.Context(), wanted(t, changed), false); err != nil {
			t.Fatalf("step %d: the second Up: %v", step, err)
		}
		if p, err := d.PlanUp(t.Context(), wanted(t, changed)); err != nil || !p.Empty() {
			t.Errorf("step %d: still to do, %v:\n%s", step, err, p)
		}
	}
}

func wantAsWanted(t *testing.T, d *Driver) {
	t.Helper()
	p, err := d.PlanUp(t.Context(), wanted(t, three))
	if err != nil || !p.Empty() {
		t.Errorf("still to do, %v:\n%s", err, p)
	}
}

// eachStep runs a test for each change that a first Up makes.
func eachStep(t *testing.T, test func(t *testing.T, e *fakeEngine, step int)) {
	t.Helper()
	e := newFakeEngine()
	d := &Driver{Engine: e, Prober: fakeProber{}, WaitTimeout: time.Second}
	if _, err := d.Up(t.Context(), wanted(t, three), false); err != nil {
		t.Fatal(err)
	}
	for step := range len(e.calls) {
		t.Run(e.calls[step], func(t *testing.T) { test(t, newFakeEngine(), step+1) })
	}
}

// at calls f ahead of the nth change, and lets all others pass.
func at(n int, f func() error) func(string) error {
	var count atomic.Int32
	return func(string) error {
		if count.Add(1) == int32(n) {
			return f()
		}
		return nil
	}
}

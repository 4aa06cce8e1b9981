package stack

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the files that tests compare with")

// planFor looks and plans: to apply what is wanted, or only to prepare it.
func planFor(ctx context.Context, e *fakeEngine, w Wanted, plan func(Wanted, *State, ...string) (*Plan, error), services ...string) (*Plan, error) {
	s, err := ObserveFor(ctx, e, w)
	if err != nil {
		return nil, err
	}
	return plan(w, s, services...)
}

func run(ctx context.Context, e *fakeEngine, p *Plan) error {
	_, err := (&Execution{Engine: e, WaitTimeout: time.Second}).Run(ctx, p)
	return err
}

// apply brings an engine to what is wanted, once.
func apply(ctx context.Context, e *fakeEngine, w Wanted, services ...string) error {
	p, err := planFor(ctx, e, w, PlanApply, services...)
	if err != nil {
		return err
	}
	return run(ctx, e, p)
}

// running gives an engine that runs what a file says.
func running(t *testing.T, file string) *fakeEngine {
	t.Helper()
	e := newFakeEngine()
	if err := apply(t.Context(), e, wanted(t, file)); err != nil {
		t.Fatal(err)
	}
	e.calls = nil
	return e
}

func observe(t *testing.T, e *fakeEngine) *State {
	t.Helper()
	s, err := Observe(t.Context(), e, "p")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wantPlan(t *testing.T, p *Plan, want string) {
	t.Helper()
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), p.String()); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

// Each file of testdata/apply tells a story: what ran, what happened to it, what
// is wanted now, and the plan that leads there.
func TestPlans(t *testing.T) {
	files, err := filepath.Glob("testdata/apply/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories in testdata/apply", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			story, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			synctest.Test(t, func(t *testing.T) { got = tell(t, story) })
			if *update {
				replaceSection(story, "plan", got)
				if err := os.WriteFile(file, txtar.Format(story), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(section(story, "plan"), got); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

// tell plays a story and gives the plan or its error as text.
func tell(t *testing.T, story *txtar.Archive) string {
	t.Helper()
	e := newFakeEngine()
	if before := section(story, "before.yml"); before != "" {
		e = running(t, before)
	}
	w := wanted(t, section(story, "wanted.yml"))
	for line := range strings.Lines(section(story, "happens")) {
		happen(t, e, w, strings.Fields(line))
	}
	plan, services := PlanApply, strings.Fields(section(story, "services"))
	if s := section(story, "prepare"); s != "" {
		plan, services = PlanPrepare, strings.Fields(s)
	}
	if s := section(story, "volumes"); s != "" {
		plan, services = PlanVolumes, strings.Fields(s)
	}
	p, err := planFor(t.Context(), e, w, plan, services...)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	if p.Empty() {
		return "nothing to do\n"
	}
	return idOfEngine.ReplaceAllString(p.String(), "000000000000_")
}

// idOfEngine is what a name begins with that an engine's next ID stands in.
var idOfEngine = regexp.MustCompile(`\b0{6}[0-9a-f]{6}_`)

// happen does what a line of a story says.
func happen(t *testing.T, e *fakeEngine, w Wanted, words []string) {
	t.Helper()
	subject, verb := words[0], words[1]
	if verb == "prepares" {
		p, err := planFor(t.Context(), e, w, PlanPrepare, words[2:]...)
		if err := errors.Join(err, run(t.Context(), e, p)); err != nil {
			t.Fatal(err)
		}
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

// changed is three with another setting for all members, and another network.
var (
	changed        = strings.Replace(three, "image: etcd", "image: etcd\n  environment: {ETCD_SNAPSHOT_COUNT: 5000}", 1)
	changedNetwork = strings.Replace(three, "internal: true", "internal: true, attachable: true", 1)
)

// What fails or is interrupted is taken back by PlanRemove, whatever the engine
// has made of it.
func TestWhatWasAppliedInPartIsRemovedWhole(t *testing.T) {
	bad := errors.New("no space left on device")
	for how, end := range map[string]func(e *fakeEngine, step int, cancel func()){
		"interrupted": func(e *fakeEngine, step int, cancel func()) {
			e.before = at(step, func() error { cancel(); return nil })
		},
		"failed":            func(e *fakeEngine, step int, _ func()) { e.before = at(step, func() error { return bad }) },
		"failed and did it": func(e *fakeEngine, step int, _ func()) { e.after = at(step, func() error { return bad }) },
	} {
		t.Run(how, func(t *testing.T) {
			eachStep(t, newFakeEngine, three, func(t *testing.T, e *fakeEngine, step int) {
				t.Helper()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				end(e, step, cancel)
				w := wanted(t, three)
				w.Own = true // what Compose has made nothing tells from others', before anybody uses it
				err := apply(ctx, e, w)
				switch {
				case err == nil && how == "interrupted": // as the last of it began, which was finished
					wantAsWanted(t, e, three)
				case !errors.Is(err, bad) && !errors.Is(err, context.Canceled):
					t.Errorf("the error is %v", err)
				}
				e.before, e.after = pass, pass
				if err := takeAway(t, e, data, true); err != nil || !e.empty() {
					t.Errorf("left behind after %q: %v", e.calls, err)
				}
			})
		})
	}
}

// A program that is killed removes nothing, and the next one goes on.
func TestApplyFinishesWhatAnotherLeftAtAnyStep(t *testing.T) {
	for what, c := range map[string]struct {
		before func() *fakeEngine
		file   string
	}{
		"a first start":     {newFakeEngine, three},
		"a replacement":     {func() *fakeEngine { return running(t, three) }, changed},
		"a changed network": {func() *fakeEngine { return running(t, three) }, changedNetwork},
	} {
		t.Run(what, func(t *testing.T) {
			eachStep(t, c.before, c.file, func(t *testing.T, e *fakeEngine, step int) {
				t.Helper()
				volumes := len(e.volumes)
				e.before = at(step, func() error { return errors.New("killed") })
				if err := apply(t.Context(), e, wanted(t, c.file)); err == nil {
					t.Fatal("the first went through")
				}
				if len(e.volumes) < volumes {
					t.Errorf("%d volumes are left of %d", len(e.volumes), volumes)
				}
				e.before = pass
				if err := apply(t.Context(), e, wanted(t, c.file)); err != nil {
					t.Fatalf("the second: %v", err)
				}
				wantAsWanted(t, e, c.file)
			})
		})
	}
}

// Of a container that is on several networks an older engine is told one by one.
func TestApplyFinishesAContainerThatIsNotOnAllItsNetworks(t *testing.T) {
	published := strings.NewReplacer("networks: [cluster]", "networks: [cluster, loopback]", "internal: true}", "internal: true}, loopback: ").Replace(three)
	eachStep(t, newFakeEngine, published, func(t *testing.T, e *fakeEngine, step int) {
		t.Helper()
		var steps atomic.Int32
		e.before = func(string) error { // nothing is taken back
			if steps.Add(1) > int32(step) {
				return errors.New("killed")
			}
			return nil
		}
		_ = apply(t.Context(), e, wanted(t, published)) // which is killed, but for its last step
		e.before = func(change string) error {
			if strings.HasPrefix(change, "rename ") {
				<-time.After(time.Second) // of the bubble: whatever can go on does so first
			}
			for _, name := range []string{"p-etcd1-1", "p-etcd2-1", "p-etcd3-1"} {
				if !e.has(name) && strings.HasPrefix(change, "start ") {
					t.Errorf("%s, and %s is not there yet", change, name)
				}
			}
			return nil
		}
		if err := apply(t.Context(), e, wanted(t, published)); err != nil {
			t.Fatalf("the second: %v", err)
		}
		for _, c := range e.containers {
			if len(c.networks) != 2 {
				t.Errorf("%s is on %v", c.name, c.networks)
			}
		}
		wantAsWanted(t, e, published)
	})
}

// Newer engines leave a container on no network whose first start failed at a port that
// was taken: it would start and hear nobody.
func TestApplyMakesAContainerAnewThatWasLeftOnNoNetwork(t *testing.T) {
	e := newFakeEngine()
	e.before = func(call string) error {
		if strings.HasPrefix(call, "start") {
			return errors.New("port is already allocated")
		}
		return nil
	}
	if err := apply(t.Context(), e, wanted(t, three)); err == nil {
		t.Fatal("nothing failed")
	}
	for _, c := range e.containers {
		c.networks = nil
	}
	e.before = pass
	if err := apply(t.Context(), e, wanted(t, three)); err != nil {
		t.Fatal(err)
	}
	for _, c := range e.containers {
		if len(c.networks) != 1 {
			t.Errorf("%s is on %v", c.name, c.networks)
		}
	}
	wantAsWanted(t, e, three)
}

// A container that the engine refuses leaves the one in use running.
func TestPrepareTouchesNothingThatRuns(t *testing.T) {
	eachStep(t, func() *fakeEngine { return running(t, three) }, changed, func(t *testing.T, e *fakeEngine, step int) {
		t.Helper()
		e.before = at(step, func() error { return errors.New("no such option") })
		p, err := planFor(t.Context(), e, wanted(t, changed), PlanPrepare)
		if err != nil {
			t.Fatal(err)
		}
		_ = run(t.Context(), e, p) // which fails at one of its steps, or is done before
		for _, name := range []string{"p-etcd1-1", "p-etcd2-1", "p-etcd3-1"} {
			if c, err := e.find(name); err != nil || c.status != container.StateRunning {
				t.Errorf("%s does not run any more, %v", name, err)
			}
		}
	})
}

// What a replacement has left that did not come about goes, and nothing else does.
func TestTidyRemovesOnlyWhatIsLeft(t *testing.T) {
	e := running(t, three)
	p, err := planFor(t.Context(), e, wanted(t, changed), PlanPrepare)
	if err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), e, p); err != nil {
		t.Fatal(err)
	}
	before := observe(t, e)
	if len(before.Spares) == 0 {
		t.Fatal("nothing is left, which proves nothing")
	}
	if err := run(t.Context(), e, PlanTidy(before)); err != nil {
		t.Fatal(err)
	}
	after := observe(t, e)
	if len(after.Spares) > 0 || len(after.Containers) != len(before.Containers) {
		t.Errorf("there are %d containers of %d, and left are %v", len(after.Containers), len(before.Containers), after.Spares)
	}
	wantAsWanted(t, e, three)
}

// Nobody else's state is changed by planning on it.
func TestPlanningChangesNothing(t *testing.T) {
	e := running(t, three)
	w := wanted(t, changedNetwork)
	s, err := ObserveFor(t.Context(), e, w)
	if err != nil {
		t.Fatal(err)
	}
	for name, plan := range map[string]func(Wanted, *State, ...string) (*Plan, error){"apply": PlanApply, "prepare": PlanPrepare} {
		before := slices.Clone(s.Containers)
		if _, err := plan(w, s); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, s.Containers, cmp.Comparer(func(a, b Container) bool { return a.ID == b.ID })); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", name, diff)
		}
	}
}

// Somebody else's simultaneous start is a conflict, from which the next Apply goes on.
func TestSomebodyElsesSimultaneousStartIsJoined(t *testing.T) {
	e := newFakeEngine()
	w := wanted(t, three)
	var begun atomic.Bool
	e.before = func(change string) error {
		if change != "create container p-etcd1-1" || begun.Swap(true) {
			return nil
		}
		return apply(context.WithoutCancel(t.Context()), e, w)
	}
	if err := apply(t.Context(), e, w); err == nil {
		t.Error("both have made the same container")
	}
	if err := apply(t.Context(), e, w); err != nil {
		t.Fatal(err)
	}
	wantAsWanted(t, e, three)
}

func wantAsWanted(t *testing.T, e *fakeEngine, file string) {
	t.Helper()
	p, err := planFor(t.Context(), e, wanted(t, file), PlanApply)
	if err != nil || !p.Empty() {
		t.Errorf("still to do, %v:\n%s", err, p)
	}
}

// eachStep runs a test for each change that applying a file makes to an engine.
func eachStep(t *testing.T, engine func() *fakeEngine, file string, test func(t *testing.T, e *fakeEngine, step int)) {
	t.Helper()
	e := engine()
	if err := apply(t.Context(), e, wanted(t, file)); err != nil || len(e.calls) == 0 {
		t.Fatal(err, e.calls)
	}
	for step := range len(e.calls) {
		t.Run(e.calls[step], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, engine(), step+1) })
		})
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

func pass(string) error { return nil }

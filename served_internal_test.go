package etcdctr

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// named is a runtime that has a name.
type named struct{ runtime.Runtime }

func (named) Name() string { return "docker" }

// A folder may use several engines by turns, each with a cluster of the name.
func TestThatAClusterHasServedIsNotedForEachEngine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "places")
	on := func(engine string) *Cluster {
		o := Options{PlacesDir: dir, StepsOf: func(runtime.Runtime) string { return "docker " + engine }}
		return &Cluster{o: New(o).o, runtime: named{}, spec: cluster.Spec{Name: "orders"}}
	}
	noted := func(engine string) {
		t.Helper()
		c := on(engine)
		for range 2 { // once more notes nothing twice
			if err := c.notePlace(); err != nil {
				t.Fatal(err)
			}
			if err := c.noteServed(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	founds := converge.Steps{{Kind: converge.Apply}}
	want := &cluster.Cluster{Data: cluster.Volume}
	begins := func(engine string, emptied bool) {
		t.Helper()
		if err := on(engine).emptiedBy(founds, want, on(engine).hasServed()); (err != nil) != emptied {
			t.Errorf("on %s a cluster is founded: %v", engine, err)
		}
	}
	begins("a", false)
	noted("a")
	begins("a", true)
	begins("b", false)
	noted("b")
	if err := on("b").Forget(); err != nil {
		t.Fatal(err)
	}
	begins("a", true)
	begins("b", false)
	if got := on("a").o.placed("orders"); len(got) != 1 || got[0] != "docker" {
		t.Errorf("the runtimes are %v", got)
	}
	if err := on("a").Forget(); err != nil {
		t.Fatal(err)
	}
	begins("a", false)
	if got := on("a").o.placed("orders"); len(got) > 0 {
		t.Errorf("the runtimes are %v, and none has it any more", got)
	}
	if err := on("a").emptiedBy(founds, &cluster.Cluster{Data: cluster.Memory}, true); err != nil {
		t.Errorf("in memory: %v", err)
	}
}

// blind is a runtime that sees what answers, and nothing else.
type blind struct{ named }

func (blind) SeesData() bool { return false }

// Where nobody sees whether there is data, that nothing answers is no sign that it is gone:
// what serves then tells.
func TestWhatNobodySeesIsNotSaidToBeGone(t *testing.T) {
	for r, told := range map[runtime.Runtime]bool{named{}: true, blind{}: false} {
		o := Options{PlacesDir: filepath.Join(t.TempDir(), "places"), Runtimes: []runtime.Runtime{r}, StepsOf: func(runtime.Runtime) string { return "here" }}
		c := &Cluster{o: New(o).o, runtime: r, spec: cluster.Spec{Name: "orders"}}
		if err := errors.Join(c.notePlace(), c.noteServed(t.Context())); err != nil {
			t.Fatal(err)
		}
		err := c.emptiedBy(converge.Steps{{Kind: converge.Apply}}, &cluster.Cluster{Data: cluster.Volume}, c.hasServed())
		if errors.As(err, new(*EmptiedError)) != told {
			t.Errorf("founded by %T it says %v", r, err)
		}
		if err := c.missed(t.Context(), &runtime.NotFoundError{Name: "orders"}); errors.As(err, new(*GoneError)) != told {
			t.Errorf("not found by %T it says %v", r, err)
		}
	}
}

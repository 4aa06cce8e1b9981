package etcdctr

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// engineAt is a runtime of an engine with nothing of the cluster.
type engineAt struct {
	named
	id string
}

func (e engineAt) Identity(context.Context) (string, error) { return e.id, nil }

func (engineAt) Observe(_ context.Context, name string) (*runtime.State, error) {
	return nil, &runtime.NotFoundError{Name: name}
}

func (engineAt) List(context.Context) ([]runtime.State, error) { return nil, nil }

// Whoever asks another engine than before founds an empty cluster beside the one that has the
// data, which is not gone.
func TestAClusterThatIsOnAnotherEngineIsNotSaidToBeGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "places")
	var warned []error
	find := func(place, id string) *Cluster {
		t.Helper()
		warned = nil
		cs := New(Options{
			PlacesDir: dir, Runtimes: []runtime.Runtime{engineAt{id: id}}, StepsOf: func(runtime.Runtime) string { return "docker " + place },
			Events: func(e Event) { warned = append(warned, e.Warning) },
		})
		c, err := cs.Find(t.Context(), cluster.Spec{Name: "orders"})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	served := func(c *Cluster) {
		t.Helper()
		if err := errors.Join(c.notePlace(), c.noteServed(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	served(find("unix:///a.sock", "1"))
	for _, test := range []struct {
		place, id, warning string
		gone               bool
	}{
		{"unix:///a.sock", "1", "", true},
		{"unix:///a.sock", "", "", true}, // it can't tell
		{"unix:///a.sock", "2", "another engine answers now at unix:///a.sock than the one that it was on", false},
		{"unix:///b.sock", "2", "has served from this folder on unix:///a.sock, and there is nothing of it on unix:///b.sock, which is asked now", false},
	} {
		c := find(test.place, test.id)
		if test.warning == "" != (len(warned) == 0) || len(warned) > 0 && !strings.Contains(warned[0].Error(), test.warning) {
			t.Errorf("engine %s at %s: it warns of %v", test.id, test.place, warned)
		}
		if err := c.missed(t.Context(), &runtime.NotFoundError{Name: "orders"}); errors.As(err, new(*GoneError)) != test.gone {
			t.Errorf("engine %s at %s: what is missed is %v", test.id, test.place, err)
		}
		founds := converge.Steps{{Kind: converge.Apply}}
		if err := c.emptiedBy(founds, &cluster.Cluster{Data: cluster.Volume}, c.hasServedOnThis(t.Context())); (err != nil) != test.gone {
			t.Errorf("engine %s at %s: what is founded is %v", test.id, test.place, err)
		}
	}
	if find("/a/folder", "2"); len(warned) > 0 { // of machines
		t.Errorf("where no engine is chosen it warns of %v", warned)
	}
	anew := find("unix:///a.sock", "2")
	anew.hasServedOnThis(t.Context())
	served(anew)
	if find("unix:///a.sock", "2"); len(warned) > 0 {
		t.Errorf("once it has served on the other one it warns of %v", warned)
	}
	if err := anew.Forget(); err != nil {
		t.Fatal(err)
	}
	if find("unix:///a.sock", "1"); len(warned) > 0 {
		t.Errorf("once its data was deleted it warns of %v", warned)
	}
}

package etcdctr

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// engineWith is an engine with one cluster, which was started in a folder.
type engineWith struct {
	named
	has runtime.State
}

func (e engineWith) Observe(_ context.Context, name string) (*runtime.State, error) {
	if name != e.has.Name {
		return nil, &runtime.NotFoundError{Name: name}
	}
	return &e.has, nil
}

func (e engineWith) List(context.Context) ([]runtime.State, error) {
	return []runtime.State{e.has}, nil
}

// A cluster that an engine's labels tell of is known without a note, as is one that Docker
// Compose has started, and one of another folder is nobody's here.
func TestAClusterOfAnotherNameIsKnownByItsFolder(t *testing.T) {
	here := t.TempDir()
	file, err := cluster.Load("etcdctr.yaml", []byte("name: after\n"))
	if err != nil {
		t.Fatal(err)
	}
	said := cluster.Spec{Name: "after"}
	for _, test := range []struct {
		folder string
		spec   cluster.Spec
		told   bool
	}{{here, file, true}, {here, said, false}, {t.TempDir(), file, false}} {
		has := runtime.State{Name: "before", Runtime: "docker", Folder: test.folder, Servers: []runtime.Server{{Name: "etcd1"}}}
		cs := New(Options{Folder: here, PlacesDir: filepath.Join(here, "places"), Runtimes: []runtime.Runtime{engineWith{has: has}}})
		c, err := cs.Find(t.Context(), test.spec)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Observe(t.Context())
		other := (*OtherNameError)(nil)
		if errors.As(err, &other) != test.told || errors.As(c.OtherName(), &other) != test.told || !errors.Is(err, runtime.ErrNotFound) {
			t.Errorf("started in %s, looked for in %s: it gives %v, and warns of %v", test.folder, here, err, c.OtherName())
		}
		if test.told && (len(other.Here) != 1 || other.Here[0] != "before") {
			t.Errorf("it tells of %v", other.Here)
		}
	}
}

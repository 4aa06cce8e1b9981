package adopt

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// placing is ours where clusters are found.
type placing struct{ fakeOurs }

func (p placing) List(ctx context.Context) ([]runtime.State, error) {
	s, err := p.Observe(ctx, "ours")
	return []runtime.State{*s}, err
}

func (placing) Place(_ context.Context, spec cluster.Spec) (*cluster.Cluster, error) {
	return cluster.Resolve(spec, cluster.InContainers)
}

// A cluster that is found after all its members were adopted adopts nobody any more, and
// what its file has said of the old members is not said of the new ones. Before that
// nothing is touched.
func TestAClusterIsFoundWithoutWhatItHasAdopted(t *testing.T) {
	const text = "name: ours\nadopts: shop\n"
	for what, test := range map[string]struct {
		data   runtime.Data
		adopts string
		struck []string
		left   string
		done   []string
	}{
		"all is adopted":         {data: runtime.Kept, struck: []string{"adopts"}, left: "name: ours\n", done: []string{"retire etcd1"}},
		"there is more to adopt": {data: runtime.None, adopts: "shop", left: text},
	} {
		t.Run(what, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "etcdctr.yaml")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			foreign := &fakeForeign{stack: shop(of("etcd1", runtime.Stopped, open("etcd1")...))}
			ours := placing{fakeOurs{servers: []runtime.Server{{Name: "etcd1", Role: runtime.Member, Status: runtime.Stopped, Data: test.data}}}}
			cs := etcdctr.New(etcdctr.Options{
				Folder: t.TempDir(), Runtimes: []runtime.Runtime{ours},
				Adopt: func(r runtime.Runtime, _ string) (runtime.Runtime, error) {
					return &Runtime{Runtime: r, Foreign: foreign}, nil
				},
			})
			c, struck, err := FindSettled(t.Context(), cs, cluster.Spec{Name: "ours", Adopts: "shop", Members: cluster.Count(1)}, file)
			if err != nil {
				t.Fatal(err)
			}
			_, adopts := c.Runtime().(*Runtime)
			if c.Spec().Adopts != test.adopts || adopts != (test.adopts != "") {
				t.Errorf("it adopts %q, on a %T", c.Spec().Adopts, c.Runtime())
			}
			if !slices.Equal(struck, test.struck) || !slices.Equal(foreign.done, test.done) {
				t.Errorf("it has struck %q and done %q", struck, foreign.done)
			}
			if left, err := os.ReadFile(file); err != nil || string(left) != test.left {
				t.Errorf("the file says %q, %v", left, err)
			}
		})
	}
}

func TestWhatCantBeFoundIsNotSettled(t *testing.T) {
	cs := etcdctr.New(etcdctr.Options{Folder: t.TempDir()})
	if c, struck, err := FindSettled(t.Context(), cs, cluster.Spec{Adopts: "shop"}, "etcdctr.yaml"); !errors.Is(err, etcdctr.ErrAdopts) || c != nil || struck != nil {
		t.Errorf("it is %v, %q, %v", c, struck, err)
	}
}

package etcdctr

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// bare is a runtime that has no image yet.
type bare struct{ runtime.Runtime }

func (bare) Name() string { return string(cluster.Docker) }

func (bare) Place(_ context.Context, spec cluster.Spec) (*cluster.Cluster, error) {
	return cluster.Resolve(spec, cluster.InContainers)
}

func (bare) Lacking(_ context.Context, want *cluster.Cluster) ([]string, error) {
	return []string{want.Image}, nil
}

func (bare) FetchAnew(context.Context, *cluster.Cluster) error { return nil }

func TestWhatAnUpgradeLacksIsOfEveryReleaseOnItsWay(t *testing.T) {
	c := New(Options{}).Describe(cluster.Spec{Etcd: "3.7", Image: "registry.example/etcd:v3.7.3"})
	c.runtime, c.have = bare{}, &runtime.State{Name: "etcd"}
	lacking, err := c.LackingFor(t.Context(), converge.Steps{
		{Kind: converge.Prepare, To: cluster.KnownPatches[6].String()},
		{Kind: converge.Prepare, To: cluster.KnownPatches[7].String()},
		{Kind: converge.Apply},
	})
	want := []string{cluster.OfficialImage + ":" + cluster.KnownPatches[6].String(), "registry.example/etcd:v3.7.3"}
	if diff := cmp.Diff(want, lacking); err != nil || diff != "" {
		t.Errorf("(-want +got): %v\n%s", err, diff)
	}
}

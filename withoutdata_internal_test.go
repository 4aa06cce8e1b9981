package etcdctr

import (
	"slices"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// A member that is only just described has never had data, where those that have theirs
// tell who they were.
func TestDataIsMissedOfMembersThatWereThere(t *testing.T) {
	want, err := cluster.Resolve(cluster.Spec{Members: cluster.Count(4)}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	founded := cluster.Settings{{Name: "initial-cluster", Value: "etcd1=https://etcd1:2380,etcd2=https://etcd2:2380,etcd3=https://etcd3:2380"}}
	keeps := func(name string, by cluster.Settings) runtime.Server {
		return runtime.Server{Name: name, Role: runtime.Member, Status: runtime.Stopped, Data: runtime.Kept, Settings: by}
	}
	away := runtime.Server{Name: "etcd2", Role: runtime.Member, Status: runtime.Away}
	for what, c := range map[string]struct {
		have []runtime.Server
		want []string
	}{
		"they tell":              {[]runtime.Server{keeps("etcd1", founded), keeps("etcd3", founded)}, []string{"etcd2"}},
		"nothing but data":       {[]runtime.Server{keeps("etcd1", nil), keeps("etcd2", nil), keeps("etcd3", nil)}, []string{"etcd4"}},
		"a machine is not there": {[]runtime.Server{keeps("etcd1", founded), away, keeps("etcd3", founded)}, nil},
	} {
		if got := withoutData(want, &runtime.State{Servers: c.have}); !slices.Equal(got.Members, c.want) {
			t.Errorf("%s: missed is what %q had, want %q", what, got.Members, c.want)
		}
	}
}

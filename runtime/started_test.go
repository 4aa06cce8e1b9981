package runtime_test

import (
	"context"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// asked is a runtime that notes whose data it was asked for, of which there is none.
type asked struct {
	runtime.Runtime
	servers []string
}

func (a *asked) Data(_ context.Context, _, server string) (runtime.Data, error) {
	a.servers = append(a.servers, server)
	return runtime.None, nil
}

// A member without data is started as wanted, however it was founded; who has looked for
// its data already is believed.
func TestDataThatIsToldIsNotLookedFor(t *testing.T) {
	want, err := cluster.Resolve(cluster.Spec{Name: "orders", TLS: "none"}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	for data, looks := range map[runtime.Data]int{runtime.Unknown: 1, runtime.None: 0, runtime.Kept: 0} {
		r := new(asked)
		joined := want.Joining("etcd3", []string{"etcd1=http://etcd1:2380", "etcd3=http://etcd3:2380"}).Members[2]
		have := &runtime.State{Name: "orders", Servers: []runtime.Server{{
			Name: "etcd3", Role: runtime.Member, Status: runtime.Created, Data: data, Settings: joined.Settings,
		}}}
		as, err := runtime.AsStarted(t.Context(), r, want, have)
		if err != nil {
			t.Fatal(err)
		}
		state := as.Members[2].Settings.Get("initial-cluster-state")
		if kept := state == "existing"; kept != (data == runtime.Kept) || len(r.servers) != looks {
			t.Errorf("data %q: it is started as %q, looked for was the data of %v", data, state, r.servers)
		}
	}
}

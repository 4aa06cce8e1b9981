package etcdctr

import (
	"context"
	"errors"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// marked is a runtime that says which restoration has made what members have, as a swarm
// does of a volume by its name, whatever is in it.
type marked struct {
	runtime.Runtime
	runtime.Stager
	by *runtime.Restoration
}

func (m marked) Name() string { return "swarm" }

func (m marked) MadeBy(context.Context, string, string) (*runtime.Restoration, error) {
	return m.by, nil
}

func TestARestorationThatIsKnownExcusesNothing(t *testing.T) {
	have := &runtime.State{Name: "orders", Servers: []runtime.Server{{Name: "etcd1", Role: runtime.Member, Status: runtime.Running}}}
	is := member.View{Endpoints: []member.Endpoint{{Name: "etcd1", ID: 1, Cluster: 7, Leader: 1, Term: 2, Applied: 5, Revision: 1, Version: "3.7.3"}}}
	for name, test := range map[string]struct {
		known   string
		by      *runtime.Restoration
		another bool
	}{
		"no restoration":      {another: true},
		"one that is new":     {by: &runtime.Restoration{ID: "a"}},
		"one that is another": {known: "a", by: &runtime.Restoration{ID: "b"}},
		"one that is known":   {known: "a", by: &runtime.Restoration{ID: "a"}, another: true},
		"one that is gone":    {known: "a", another: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := marked{by: test.by}
			c := &Cluster{
				o:       Options{PlacesDir: t.TempDir(), StepsOf: func(runtime.Runtime) string { return "here" }},
				runtime: r, spec: cluster.Spec{Name: "orders"},
			}
			c.writeSeen(seen{Cluster: "7", Term: 9, Index: 900, Revision: 90, Leader: "etcd1", Restored: test.known})
			err := c.judgeSeen(t.Context(), have, is)
			if errors.As(err, new(*AnotherError)) != test.another {
				t.Errorf("it is judged as %v", err)
			}
			if excused := test.by != nil && !test.another; excused != (c.restored != "") {
				t.Errorf("it keeps %q as what has excused it", c.restored)
			}
		})
	}
}

// Members that were given up and run again have come further than the cluster that was made of
// what one of them had, or less far: neither says that its data is gone.
func TestOfSeveralClustersNoneIsTakenForTheOneThatHasServed(t *testing.T) {
	c := &Cluster{o: Options{PlacesDir: t.TempDir(), StepsOf: func(runtime.Runtime) string { return "here" }}, runtime: marked{}, spec: cluster.Spec{Name: "orders"}}
	c.writeSeen(seen{Cluster: "7", Term: 2, Index: 40, Revision: 1000000003, Leader: "etcd1"})
	recovered := member.Endpoint{Name: "etcd1", ID: 1, Cluster: 7, Leader: 1, Term: 2, Applied: 58, Revision: 1000000003, Version: "3.7.3"}
	former := member.Endpoint{Name: "etcd2@192.0.2.2", ID: 2, Cluster: 9, Leader: 2, Term: 5, Applied: 30, Revision: 3, Version: "3.7.3"}
	for _, both := range [][]member.Endpoint{{recovered, former}, {former, recovered}} {
		if err := c.judgeSeen(t.Context(), nil, member.View{Endpoints: both}); err != nil {
			t.Errorf("it is judged as %v", err)
		}
	}
	if err := c.judgeSeen(t.Context(), nil, member.View{Endpoints: []member.Endpoint{former}}); !errors.As(err, new(*AnotherError)) {
		t.Errorf("the former one alone is judged as %v", err)
	}
}

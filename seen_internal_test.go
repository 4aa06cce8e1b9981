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

package etcdctr

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// What ran a member before it was adopted may start it again, beside the cluster that has
// its data.
func TestAdoptedMembersThatRunAgainAreToldOf(t *testing.T) {
	var asked []string
	again := []Revived{{Name: "shop-etcd1-1.adopted", Stop: "docker stop shop-etcd1-1.adopted"}, {Name: "process 7", DataAt: "/srv/etcd"}}
	var fails error
	o := New(Options{
		PlacesDir: filepath.Join(t.TempDir(), "places"), StepsOf: func(runtime.Runtime) string { return "docker here" },
		Revived: func(_ context.Context, adopts string) ([]Revived, error) {
			asked = append(asked, adopts)
			return again, fails
		},
	}).o
	c := &Cluster{o: o, runtime: named{}, spec: cluster.Spec{Name: "orders", Members: cluster.Members{List: []cluster.MemberSpec{{Name: "etcd1", Data: "/srv/etcd"}}}}}
	if said := c.judgeRevived(t.Context()); said != nil || asked != nil {
		t.Errorf("of what was not adopted %v is said, %v", said, asked)
	}
	for range 2 {
		if err := c.NoteAdopted("/my data,shop"); err != nil {
			t.Fatal(err)
		}
	}
	said := c.judgeRevived(t.Context())
	if len(said) != 1 || !strings.Contains(said[0], "not in orders; `docker stop shop-etcd1-1.adopted` stops it") || len(asked) != 1 || asked[0] != "/my data,shop" {
		t.Errorf("%v is said, of %v", said, asked)
	}
	fails = errors.New("no engine")
	if said := c.judgeRevived(t.Context()); len(said) != 1 || !strings.Contains(said[0], "no engine") {
		t.Errorf("that nobody can be asked is told by %v", said)
	}
	if err := c.Forget(); err != nil {
		t.Fatal(err)
	}
	if said := c.judgeRevived(t.Context()); said != nil || len(o.placed("orders")) > 0 {
		t.Errorf("of a cluster that is gone %v is said", said)
	}
}

// exposes tells who is on a network.
type exposes struct {
	named
	there []string
}

func (e exposes) Expose(context.Context, *cluster.Cluster) ([]runtime.Exposure, []string, error) {
	return []runtime.Exposure{runtime.Company("orders_cluster", "other containers", e.there, nil)}, nil, nil
}

// An application that was brought onto the network of the cluster belongs there, as long as
// the cluster does, and others do not.
func TestWhoWasBroughtAlongIsNoSurprise(t *testing.T) {
	o := New(Options{PlacesDir: filepath.Join(t.TempDir(), "places"), StepsOf: func(runtime.Runtime) string { return "docker here" }}).o
	c := &Cluster{o: o, runtime: exposes{there: []string{"shop-shop-1"}}, spec: cluster.Spec{Name: "orders"}}
	want := func(when string, ok bool) {
		t.Helper()
		proofs, err := c.proveExposure(t.Context(), nil)
		if err != nil || len(proofs) != 1 || proofs[0].OK != ok || (proofs[0].Remedy == "") != ok {
			t.Errorf("%s: %+v, %v", when, proofs, err)
		}
	}
	want("before", false)
	for range 2 {
		if err := errors.Join(c.NoteAdopted("shop"), c.NoteBrought("shop-shop-1", "shop-web-1")); err != nil {
			t.Fatal(err)
		}
	}
	want("brought", true)
	if lines := o.placesLines("orders"); len(lines) != 4 {
		t.Errorf("%q is noted", lines)
	}
	c.runtime = exposes{there: []string{"shop-shop-1", "miner"}}
	want("with somebody else", false)
	c.runtime = exposes{there: []string{"shop-shop-1"}}
	if err := c.Forget(); err != nil {
		t.Fatal(err)
	}
	want("after the cluster is gone", false)
}

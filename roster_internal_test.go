package etcdctr

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// A certificate is looked after as long as anything tells of its member.
func TestWhoeverIsDescribedOrThereOrCountedIsAMember(t *testing.T) {
	want, err := cluster.Resolve(cluster.Spec{Name: "orders", Members: cluster.Count(1)}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	have := &runtime.State{Servers: []runtime.Server{
		{Name: "etcd2", Role: runtime.Member, Status: runtime.Stopped},
		{Name: "etcd3", Role: runtime.Member, Status: runtime.Absent, Data: runtime.Kept},
		{Name: "backup", Role: runtime.Service},
	}}
	got := rosterOf(want, have, []member.Member{{Name: "etcd1"}, {Name: "byhand"}})
	if diff := cmp.Diff(certs.Roster{Cluster: "orders", Members: []string{"byhand", "etcd1", "etcd2", "etcd3"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// observed is a runtime that has seen servers of a cluster, or none.
type observed struct {
	bare
	servers []runtime.Server
	err     error
}

func (s observed) Observe(_ context.Context, name string) (*runtime.State, error) {
	return &runtime.State{Name: name, Servers: s.servers}, s.err
}

func TestMembersAreKnownOfAClusterThatIsDescribedOrThere(t *testing.T) {
	at := func(status runtime.Status) []runtime.Server {
		return []runtime.Server{{Name: "etcd1", Role: runtime.Member, Status: status}}
	}
	described := cluster.Spec{Members: cluster.Count(3)}
	for what, test := range map[string]struct {
		spec  cluster.Spec
		seen  observed
		known bool
	}{
		"nothing is there, nor described":      {},
		"described":                            {spec: described, known: true},
		"stopped":                              {seen: observed{servers: at(runtime.Stopped)}, known: true},
		"its data is there":                    {seen: observed{servers: at(runtime.Absent)}, known: true},
		"a machine that is away":               {spec: described, seen: observed{servers: at(runtime.Away)}},
		"nobody says what is there":            {spec: described, seen: observed{err: runtime.ErrUnavailable}},
		"it has no certificates of its folder": {spec: cluster.Spec{Members: cluster.Count(3), TLS: "none"}},
	} {
		c := New(Options{}).Describe(test.spec)
		c.runtime = test.seen
		if got := c.rosteredNow(t.Context()).Roster; (got != nil) != test.known {
			t.Errorf("%s: %v", what, got)
		}
	}
}

// counting counts how often it is asked what there is.
type counting struct {
	observed
	looks *int
}

func (c counting) Observe(ctx context.Context, name string) (*runtime.State, error) {
	*c.looks++
	return c.observed.Observe(ctx, name)
}

// To look at an engine of another machine takes its time.
func TestMembersAreNotLookedForTwiceToTellWhoTheyAre(t *testing.T) {
	looks := 0
	c := New(Options{Folder: t.TempDir()}).Describe(cluster.Spec{Name: "orders", Members: cluster.Count(1)})
	c.runtime = counting{observed{servers: []runtime.Server{{Name: "etcd1", Role: runtime.Member, Status: runtime.Stopped}}}, &looks}
	r, err := c.Rotation(t.Context(), RotationOptions{})
	if err != nil || r.PKI.Roster == nil || looks != 1 {
		t.Errorf("a replacement of authorities has looked %d times: %+v, %v", looks, r, err)
	}
	have, err := c.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	looks = 0
	if _, err := c.LeftCertificates(t.Context(), converge.Steps{{Kind: converge.Remove}}, have); err != nil || looks != 0 {
		t.Errorf("after a change it has looked %d times: %v", looks, err)
	}
}

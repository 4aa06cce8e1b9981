package converge_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// three are members that serve.
func three(t *testing.T) *world {
	t.Helper()
	w := &world{want: 3, minor: 7, agreed: 7, stored: 7, founders: 3}
	for slot := range 3 {
		put(t, w, slot, "serving")
	}
	w.settle()
	return w
}

func wantRefusal(t *testing.T, s converge.Situation, reason string) {
	t.Helper()
	steps, err := converge.Plan(s)
	if err == nil || !strings.Contains(err.Error(), reason) {
		t.Errorf("%v\n%s\nwant a refusal: %s", err, steps, reason)
	}
}

func TestDownTakesNothingAwayThatSomethingElseHasStarted(t *testing.T) {
	down := converge.Asked{Verb: converge.Down, Data: true}
	s := three(t).situation(down, nil)
	s.Have.Servers[2].Foreign = true
	wantRefusal(t, s, "is being adopted: etcd3 of it is still to be, and is in it with etcd1, etcd2")
	for i := range s.Have.Servers {
		s.Have.Servers[i].Foreign = true
	}
	wantRefusal(t, s, "etcd1, etcd2, etcd3 was started by something else")
	for data, kind := range map[bool]converge.Kind{true: converge.Delete, false: converge.Remove} {
		s.Have.Begun, s.Asked.Data = true, data
		if steps, err := converge.Plan(s); err != nil || len(steps) != 1 || steps[0].Kind != kind {
			t.Errorf("%v\n%s\nwant that what was begun is taken away, and nothing stopped", err, steps)
		}
	}
}

// Ours that stand beside a cluster and are not of it are what an adoption by copying
// has left that was interrupted.
func TestDownTakesAwayWhatStandsBesideACluster(t *testing.T) {
	w := three(t)
	s := w.situation(converge.Asked{Verb: converge.Down, Data: true}, nil)
	for i := range 3 {
		s.Have.Servers[i].Foreign = true
	}
	s.Have.Servers = append(s.Have.Servers[:3], runtime.Server{Name: "left", Role: runtime.Member, Status: runtime.Stopped, Data: runtime.Kept})
	steps, err := converge.Plan(s)
	if err != nil || len(steps) != 1 || steps[0].Kind != converge.Delete {
		t.Errorf("%v\n%s\nwant that what is ours is deleted, and nothing stopped", err, steps)
	}
}

func TestDataIsNeitherMovedNorLeftBehind(t *testing.T) {
	moved := runtime.Change{Server: "etcd2", Kind: runtime.Replace, Differences: []runtime.Difference{{Name: runtime.Volume, Was: "sim_etcd2-data", Is: "/srv/etcd2"}}}
	up := converge.Asked{Verb: converge.Up}
	s := three(t).situation(up, nil)
	s.Changes = []runtime.Change{moved}
	s.Want.Members[1].Store.Folder = "/srv/etcd2"
	wantRefusal(t, s, "its data is in sim_etcd2-data, and would be looked for in /srv/etcd2")

	s = three(t).situation(up, nil)
	moved.Differences = []runtime.Difference{{Name: "data-dir", Was: "/srv/etcd2/data", Is: "/here/etcd2/data"}}
	s.Changes, s.Have.Servers[1].Lent = []runtime.Change{moved}, true
	wantRefusal(t, s, "its data is in /srv/etcd2/data")
}

// etcd that finds no log takes itself for new, whatever data there is.
func TestALogIsNotLookedForElsewhere(t *testing.T) {
	s := three(t).situation(converge.Asked{Verb: converge.Up}, nil)
	s.Changes = []runtime.Change{{Server: "etcd2", Kind: runtime.Replace, Differences: []runtime.Difference{{Name: "wal-dir", Is: "/var/lib/etcd/wal"}}}}
	wantRefusal(t, s, "its log is in its data folder, and would be looked for in /var/lib/etcd/wal")
}

func TestWhatServesTheAPIV2IsNotFollowedByWhatDoesNotStartOnIt(t *testing.T) {
	for _, foreign := range []bool{false, true} {
		for why, serves := range map[string]bool{"it serves the API v2 (enable-v2)": true, "its data holds what was written by the API v2": false} {
			w := serving(3, 3)
			s := w.situation(converge.Asked{Verb: converge.Up}, nil)
			s.Want.Etcd = cluster.KnownPatches[6]
			old := &s.Have.Servers[2]
			old.Release, old.Foreign = "v3.5.35", foreign
			if old.HoldsV2 = !serves; serves {
				old.Settings = append(old.Settings, cluster.Setting{Name: "enable-v2", Value: "true"})
			}
			for i := range s.Etcd.Endpoints {
				s.Etcd.Endpoints[i].Version = ""
			}
			kind := runtime.Replace
			if foreign { // others join in its place
				kind, s.Want.Members = runtime.Leave, s.Want.Members[:2]
			}
			s.Changes = []runtime.Change{{Server: old.Name, Kind: kind, Differences: []runtime.Difference{{Name: "enable-v2", Was: "true"}}}}
			wantRefusal(t, s, old.Name+": "+why)
		}
	}
}

// Whom nobody reaches from here may have a quorum: all at once only those are taken over
// that have none, or one that is alone.
func TestMembersThatCanNotBeAskedAreNotAdoptedAtOnce(t *testing.T) {
	replaced := func(w *world, trouble member.Trouble) converge.Situation {
		s := w.situation(converge.Asked{Verb: converge.Up}, nil)
		s.Changes = nil
		for i := range s.Have.Servers {
			server := &s.Have.Servers[i]
			server.Foreign = true
			s.Changes = append(s.Changes, runtime.Change{Server: server.Name, Kind: runtime.Replace, Differences: []runtime.Difference{{Name: "of", Was: "theirs", Is: "ours"}}})
		}
		s.Etcd = new(member.View)
		for _, server := range s.Have.Servers {
			s.Etcd.Endpoints = append(s.Etcd.Endpoints, member.Endpoint{Name: server.Name, Trouble: trouble, Details: "i/o timeout"})
		}
		return s
	}
	one := serving(1, 1)
	wantRefusal(t, replaced(three(t), member.Unreachable), "etcd1: it runs, and it can't be told whether it serves: i/o timeout")
	for what, s := range map[string]converge.Situation{
		"without a quorum": replaced(three(t), member.Silent), "alone": replaced(&one, member.Unreachable),
	} {
		step, more, err := converge.Next(s)
		if err != nil || !more || step.Kind != converge.Prepare && step.Kind != converge.Apply {
			t.Errorf("%s: %v, %v", what, step, err)
		}
	}
}

// A cluster whose authority was taken out of its folder is not another folder's: a name of
// its own for another one would help nobody.
func TestWhoseCertificatesTheMembersDoNotTake(t *testing.T) {
	for want, here := range map[string]bool{
		"started in /srv/orders, and it does not accept the certificates of this one":   false,
		"does not accept the certificates of this folder, although it was started here": true,
	} {
		s := three(t).situation(converge.Asked{Verb: converge.Up, Here: here}, nil)
		s.Have.Folder = "/srv/orders"
		s.Changes = []runtime.Change{{Server: "etcd1", Kind: runtime.Foreign}}
		wantRefusal(t, s, want)
		refusal := (*converge.Refusal)(nil)
		_, err := converge.Plan(s)
		if !errors.As(err, &refusal) || (refusal.Remedy.Text == converge.LostAuthority) != here {
			t.Errorf("what helps is %+v: %v", refusal, err)
		}
	}
}

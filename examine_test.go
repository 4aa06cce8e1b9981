package etcdctr

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/runtime"
)

func TestWhoWasTakenOutIsNoMemberForTheDataThatWasKept(t *testing.T) {
	have := &runtime.State{Servers: []runtime.Server{
		{Name: "etcd1", Role: runtime.Member, Status: runtime.Running},
		{Name: "etcd2", Role: runtime.Member, Status: runtime.Absent},
		{Name: "etcd3", Role: runtime.Member, Status: runtime.Absent},
	}}
	if diff := cmp.Diff([]string{"etcd1", "etcd2"}, membersOf(have, []health.KnownMember{{Name: "etcd1"}, {Name: "etcd2"}})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"etcd1", "etcd2", "etcd3"}, membersOf(have, nil)); diff != "" {
		t.Errorf("nobody could be asked: %s", diff)
	}
}

// The last member of three, of which an engine has nothing else left.
func TestWhoIsGoneWithAllItHadIsAMemberStill(t *testing.T) {
	have := &runtime.State{Servers: []runtime.Server{{
		Name: "etcd1", Role: runtime.Member, Status: runtime.Running,
		Settings: cluster.Settings{{Name: "initial-cluster", Value: "etcd1=http://etcd1:2380,etcd2=http://etcd2:2380,etcd3=http://etcd3:2380"}},
	}}}
	if diff := cmp.Diff([]string{"etcd1", "etcd2", "etcd3"}, membersOf(have, nil)); diff != "" {
		t.Errorf("nobody could be asked: %s", diff)
	}
	if diff := cmp.Diff([]string{"etcd1"}, membersOf(have, []health.KnownMember{{Name: "etcd1"}})); diff != "" {
		t.Errorf("the others were taken out: %s", diff)
	}
}

func TestADiskIsLookedAtWhereTheDataIs(t *testing.T) {
	for at, want := range map[string]string{"/srv/data": "df -h /srv/data", "etcd_etcd1": "", "": ""} {
		have := &runtime.State{Servers: []runtime.Server{{Name: "etcd1", Role: runtime.Member, DataAt: at}}}
		if got := diskOf(have); got != want {
			t.Errorf("data at %q: %q, want %q", at, got, want)
		}
	}
	if got := diskOf(nil); got != "" {
		t.Errorf("without a cluster: %q", got)
	}
}

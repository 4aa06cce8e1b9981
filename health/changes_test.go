package health_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/health"
)

func TestChangesBetweenReportsAreTold(t *testing.T) {
	m := func(name, role, version, err string) health.MemberReport {
		return health.MemberReport{Name: name, Role: role, Version: version, Error: err}
	}
	report := func(leader string, members ...health.MemberReport) health.Report {
		return health.Report{Leader: leader, Members: members}
	}
	before := report("etcd1", m("etcd1", "leader", "3.6.16", ""), m("etcd2", "", "", "x"), m("etcd3", "follower", "3.6.16", ""), m("etcd4", "learner", "3.6.16", ""))
	now := report("etcd2", m("etcd1", "follower", "3.7.3", ""), m("etcd2", "leader", "3.6.16", ""), m("etcd4", "follower", "3.6.16", ""), m("etcd5", "learner", "3.6.16", ""))
	want := []string{"etcd2 leads", "etcd1 runs 3.7.3, and ran 3.6.16", "etcd2 answers again", "etcd4 has a vote", "etcd5 is new", "etcd3 is gone"}
	if diff := cmp.Diff(want, health.Changes(before, now)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

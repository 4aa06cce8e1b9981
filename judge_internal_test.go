package etcdctr

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/runtime"
)

func TestServicesThatDoNotRunBesideMembersThatDoAreWarnedOf(t *testing.T) {
	member := runtime.Server{Name: "etcd1", Role: runtime.Member, Status: runtime.Running}
	service := func(name string, status runtime.Status, detail string) runtime.Server {
		return runtime.Server{Name: name, Role: runtime.Service, Status: status, Detail: detail}
	}
	idle := []runtime.Server{
		service("prometheus", runtime.Created, ""), service("backup", runtime.Failed, "exited with code 1"), service("dns", runtime.Running, ""),
		service("discovery", runtime.Absent, ""), service("alerts", runtime.Restarting, ""), service("guard", runtime.Paused, ""),
	}
	var report health.Report
	judgeServices(&runtime.State{Servers: append([]runtime.Server{member}, idle...)}, &report)
	want := []string{
		"prometheus: it was never started: `etcdctr up` starts it, or says why it can't",
		"backup: it is failed (exited with code 1); `etcdctr logs backup` tells why, `etcdctr up` starts it",
		"alerts: it is restarting; `etcdctr logs alerts` tells why, `etcdctr up` starts it",
		"guard: it is paused: `etcdctr up` has it go on",
	}
	if diff := cmp.Diff(want, report.Warnings); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	member.Status = runtime.Stopped
	report = health.Report{}
	judgeServices(&runtime.State{Servers: append([]runtime.Server{member}, idle...)}, &report)
	if report.Warnings != nil {
		t.Errorf("of a cluster that is stopped it warns %q", report.Warnings)
	}
}

// A paused member takes connections, and only what runs it knows why nothing comes of them.
func TestWhyAMemberDoesNotRunIsTold(t *testing.T) {
	for _, test := range []struct {
		member runtime.Server
		want   string
	}{
		{runtime.Server{Status: runtime.Running}, ""},
		{runtime.Server{Status: runtime.Away}, ""},
		{runtime.Server{Status: runtime.Paused}, "it is paused: `etcdctr up` has it go on"},
		{runtime.Server{Status: runtime.Stopped, Detail: "by etcdctr"}, "it is stopped (by etcdctr)"},
		{runtime.Server{Status: runtime.Restarting, Held: "its node is drained"}, "its node is drained"},
	} {
		if got := whyIdle(test.member); got != test.want {
			t.Errorf("%+v: %q, not %q", test.member, got, test.want)
		}
	}
}

// What a report has of its members is enough to tell how far their cluster has come.
func TestAReportTellsWhatWasSeenOfItsCluster(t *testing.T) {
	leader := health.MemberReport{
		Name: "etcd1", ID: "1", ClusterID: "a05760fb39b264ee", Role: health.Leader, ReadMillis: 1.5,
		RaftTerm: 3, RaftIndex: 41, RaftAppliedIndex: 40, Revision: 12,
	}
	follower := health.MemberReport{Name: "etcd2", ID: "2", ClusterID: leader.ClusterID, Role: health.Follower, ReadMillis: 2, RaftTerm: 3, Revision: 11}
	away := health.MemberReport{Name: "etcd3", Error: "does not answer"}
	want := seen{Cluster: "a05760fb39b264ee", Term: 3, Index: 40, Revision: 12, Leader: "etcd1"}
	if got, serves := seenIn(viewOf(health.Report{Members: []health.MemberReport{follower, away, leader}})); !serves || got != want {
		t.Errorf("it has come as far as %+v, %t, and not %+v", got, serves, want)
	}

	other, mute := follower, leader
	other.ClusterID, mute.ReadMillis = "9", 0
	for name, members := range map[string][]health.MemberReport{
		"nobody leads": {follower}, "the leader answers no read": {mute, follower}, "another cluster answers, too": {leader, other}, "nobody answers": {away},
	} {
		if got, serves := seenIn(viewOf(health.Report{Members: members})); serves {
			t.Errorf("%s: it has come as far as %+v", name, got)
		}
	}
}

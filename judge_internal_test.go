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

package etcdctr

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/runtime"
)

func TestWhatWasSetAsideIsDeletedOfAHealthyClusterAlone(t *testing.T) {
	runs := func(restoring *runtime.Restoration) *runtime.State {
		return &runtime.State{Name: "orders", Servers: []runtime.Server{
			{Name: "etcd1", Role: runtime.Member, Status: runtime.Running, Restoring: restoring},
			{Name: "etcd2", Role: runtime.Member, Status: runtime.Stopped},
		}}
	}
	serves := []health.MemberReport{{Name: "etcd1", ReadMillis: 1}, {Name: "etcd2"}}
	well := health.Report{Healthy: true, Members: serves}
	for name, test := range map[string]struct {
		have    *runtime.State
		report  health.Report
		unasked error
		why     string // empty: it may be deleted
		command string
	}{
		"all serve":         {have: runs(nil), report: well},
		"it warns":          {have: runs(nil), report: health.Report{Healthy: true, Members: serves, Warnings: []string{"old"}}},
		"a member is away":  {have: runs(nil), report: health.Report{Members: serves, Failures: []string{"etcd2: it is stopped"}}, why: "etcd2: it is stopped", command: "doctor"},
		"no quorum":         {have: runs(nil), report: health.Report{Members: serves[1:], Failures: []string{"no leader"}}, why: "no leader", command: "doctor"},
		"nobody answers":    {have: runs(nil), unasked: errors.New("the engine is away"), why: "the engine is away", command: "doctor"},
		"nobody was judged": {have: runs(nil), report: health.Report{Healthy: true}, why: "no member serves", command: "doctor"},
		"nothing runs": {
			have: &runtime.State{Name: "orders", Servers: []runtime.Server{{Name: "etcd1", Role: runtime.Member, Status: runtime.Stopped}}},
			why:  "no member runs", command: "up",
		},
		"a restoration is not finished": {
			have: runs(&runtime.Restoration{Again: []string{"restore", "file"}}), report: well,
			why: "a restoration was not finished", command: "restore",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := refuseDiscard(test.have, test.report, test.unasked)
			refusal := (*converge.Refusal)(nil)
			switch {
			case test.why == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.why == "":
			case !errors.As(err, &refusal) || !strings.Contains(refusal.Reason, test.why) || refusal.Remedy.Command[0] != test.command:
				t.Errorf("%+v, want %q and %q", err, test.why, test.command)
			}
		})
	}
}

// Whoever is ended in the middle leaves what was set aside last of all of them.
func TestTheLastThatWasSetAsideGoesLast(t *testing.T) {
	var all []runtime.Aside
	for _, where := range []string{"etcd1 newest", "etcd1 older", "etcd1 oldest", "etcd2 newest", "etcd3 newest", "etcd3 older"} {
		server, _, _ := strings.Cut(where, " ")
		all = append(all, runtime.Aside{Server: server, Where: where})
	}
	var got []string
	for _, a := range oldestFirst(all) {
		got = append(got, a.Where)
	}
	want := []string{"etcd1 oldest", "etcd1 older", "etcd3 older", "etcd1 newest", "etcd2 newest", "etcd3 newest"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

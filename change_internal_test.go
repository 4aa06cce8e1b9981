package etcdctr

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// Whoever gives members a machine says by its address where their ports are, and has
// no other key for it.
func TestAHostSaysWhereAMemberIsPublished(t *testing.T) {
	onMachines := cluster.Spec{Members: cluster.Members{List: []cluster.MemberSpec{{Name: "etcd1", Host: "203.0.113.1"}}}}
	for what, c := range map[string]struct {
		spec cluster.Spec
		want bool
	}{
		"a host": {onMachines, true}, "the key": {cluster.Spec{Publish: "loopback"}, true}, "nothing": {cluster.Spec{}, false},
	} {
		if got := slices.Contains(said(c.spec), runtime.Published); got != c.want {
			t.Errorf("%s: that ports may be reached from further away is said: %t, want %t", what, got, c.want)
		}
	}
}

// A start that failed is tried again where somebody else has taken what was free, on
// an engine as on this machine.
func TestAnotherPortIsAnotherPlace(t *testing.T) {
	spec := cluster.Spec{Publish: "loopback"}
	for what, place := range map[string]cluster.Placement{"containers": cluster.InContainers, "processes": cluster.InProcesses("", "")} {
		before, err := cluster.Resolve(spec, place)
		if err != nil {
			t.Fatal(err)
		}
		auto := spec
		auto.ClientPort = cluster.AutoPort
		after, err := cluster.Resolve(auto, place)
		if err != nil {
			t.Fatal(err)
		}
		if !elsewhere(before, after) || elsewhere(before, before) {
			t.Errorf("%s at other ports are taken to be where they were, or those that are where they were to be elsewhere", what)
		}
	}
}

// sharing is a runtime whose members have copies of their files.
type sharing struct {
	runtime.Runtime
	shared *bool
}

func (s sharing) Share(context.Context, *cluster.Cluster, ...string) error {
	*s.shared = true
	return nil
}

// A machine that is away for weeks keeps no certificate from the others that was renewed.
func TestMachinesThatAnswerGetTheirCertificatesWhileOthersAreAway(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"a machine is away":  {&converge.Refusal{Server: "etcd3", Away: true}, true},
		"something is wrong": {&converge.Refusal{Server: "etcd3"}, false},
		"a step failed":      {&converge.StepError{Err: errors.New("broken")}, false},
	} {
		shared := false
		cl := &Cluster{runtime: sharing{shared: &shared}}
		if err := cl.keepBeside(t.Context(), &cluster.Cluster{TLS: cluster.Mutual}, c.err); !errors.Is(err, c.err) || shared != c.want {
			t.Errorf("%s: shared is %t, with %v", name, shared, err)
		}
	}
}

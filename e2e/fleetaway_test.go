//go:build e2e && linux

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// wantSaid wants a command to fail, and what it says to have some words and not others.
func (f *fleetTest) wantSaid(command string, has, hasNot []string) {
	f.t.Helper()
	out, err := f.try(strings.Fields(command)...)
	text := out + fmt.Sprint(err)
	if err == nil {
		f.t.Errorf("etcdctr %s succeeds", command)
	}
	for _, what := range has {
		if !strings.Contains(text, what) {
			f.t.Errorf("etcdctr %s says nothing of %q", command, what)
		}
	}
	for _, what := range hasNot {
		if strings.Contains(text, what) {
			f.t.Errorf("etcdctr %s says %q", command, what)
		}
	}
}

func TestFleetWithAMachineAway(t *testing.T) {
	useTodaysEngine(t)
	image := etcdImage(t, cluster.NewestMinor)
	f := newFleet(t, 3, image)
	f.describe(f.seats(1, 2, 3), "image: "+image)

	f.machines[2].cutPower()
	for _, command := range []string{"up", "doctor"} {
		f.wantSaid(command, []string{"etcd3", "does not answer"}, []string{"quorum", "recover", "start etcd"})
	}
	f.machines[1].cutPower()
	for _, command := range []string{"up", "doctor"} {
		f.wantSaid(command, []string{"etcd2", "etcd3", "answer"}, []string{"quorum", "recover", "start etcd"})
	}
	f.machines[1].powerOn()
	f.machines[2].powerOn()
	f.etcdctr("up")

	f.machines[0].cutPower()
	if out := f.etcdctr("logs", "--tail", "1"); !strings.Contains(out, "etcd2") || !strings.Contains(out, "etcd3") {
		t.Errorf("the logs are\n%s", out)
	}
	f.wantSaid("down", []string{"etcd1", "does not answer", "etcdctr down"}, nil)
	f.wantSaid("up", []string{"etcd1", "does not answer"}, []string{"recover"})
	f.etcdctr("etcdctl", "put", "key", "value")
	f.machines[0].powerOn()
	f.etcdctr("up")
	f.spread(f.seats(1, 2, 3)).wantOneCluster()
	f.etcdctr("down", "--volumes", "--yes")
	f.wantNothingLeft()
}

// A member that is removed while it serves ends in order, and its container is started
// again: it must not hold the ports of the one that takes its address.
func TestFleetMemberTakesAnothersAddress(t *testing.T) {
	useTodaysEngine(t)
	image := etcdImage(t, cluster.NewestMinor)
	f := newFleet(t, 3, image)
	one, two, three := f.machines[0], f.machines[1], f.machines[2]
	f.describe([]seat{{"etcd1", one}, {"etcd3", two}}, "image: "+image)
	f.etcdctr("up")
	f.describe([]seat{{"etcd1", one}, {"etcd2", two}, {"etcd3", three}}, "image: "+image)
	f.etcdctr("up", "--dry-run")
	f.etcdctr("up")
	f.spread(f.seats(1, 2, 3)).wantOneCluster()
	f.etcdctr("up")
	f.etcdctr("down", "--volumes", "--yes")
	f.wantNothingLeft()
}

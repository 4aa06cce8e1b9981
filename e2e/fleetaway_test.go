//go:build e2e && linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
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
	f.etcdctr("certs", "renew")
	f.wantSaid("up", []string{"etcd1", "does not answer"}, []string{"recover"})
	if f.certificatesDiffer(f.machines[1:3]...) {
		t.Error("up has not brought their certificates to the machines that answer")
	}
	f.machines[0].powerOn()
	f.etcdctr("up")
	f.spread(f.seats(1, 2, 3)).wantOneCluster()
	f.wantOldCopiesTold()
	f.etcdctr("down", "--volumes", "--yes")
	f.wantNothingLeft()
}

// wantOldCopiesTold wants whoever renews certificates to learn that machines have
// others until up has been there.
func (f *fleetTest) wantOldCopiesTold() {
	f.t.Helper()
	const told = "etcd1, etcd2, etcd3: what is on the machine is other certificates than here: `etcdctr up`"
	for _, command := range []string{"up --dry-run", "certs renew", "certs verify", "up --dry-run", "up", "up --dry-run", "certs verify"} {
		said := f.says(strings.Fields(command)...)
		renewed := strings.Contains(said, told)
		if again := f.certificatesDiffer(f.machines[:3]...); command != "up" && renewed != again {
			f.t.Errorf("etcdctr %s tells of other certificates: %t, and they are others: %t", command, renewed, again)
		}
	}
	if f.certificatesDiffer(f.machines[:3]...) {
		f.t.Error("up has not brought the certificates to the machines")
	}
}

// says runs a command that has to succeed, and gives what it said beside its output.
func (f *fleetTest) says(args ...string) string {
	f.t.Helper()
	cmd := f.inside(etcdctrBinary(f.t), args...)
	cmd.Dir = f.home
	out, err := cmd.CombinedOutput()
	f.t.Logf("etcdctr %s\n%s", strings.Join(args, " "), out)
	if err != nil {
		f.t.Fatal(err)
	}
	return string(out)
}

// certificatesDiffer tells whether a member on some machines has another certificate than it
// has in the folder.
func (f *fleetTest) certificatesDiffer(on ...*machine) bool {
	f.t.Helper()
	differ := false
	for _, m := range on {
		there := succeed(f.t, m.engine("cp", f.name+"-"+m.member+"-1:/etc/etcd/certs/server/tls.crt", "-"), "")
		here, err := os.ReadFile(filepath.Join(f.home, "certs", "members", m.member, "server", "tls.crt"))
		if err != nil {
			f.t.Fatal(err)
		}
		differ = differ || !strings.Contains(there, string(here))
	}
	return differ
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

//go:build e2e && linux

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// Members come and go however they found each other, and wherever their data is.

// grounds are the kinds of ground that there are.
var grounds = map[string]func(*testing.T) ground{
	"processes":  func(t *testing.T) ground { t.Helper(); return onProcesses(t) },
	"containers": func(t *testing.T) ground { t.Helper(); return onEngine(t) },
}

// Right after it was founded, in each way that there is.
func TestOneMemberBecomesSevenAndOneAgain(t *testing.T) {
	for name, on := range grounds {
		for what, settings := range map[string]string{
			"static":    "bootstrap: static",
			"discovery": "bootstrap: discovery",
			"dns":       byDNS(t, name),
			"memory":    "data: memory",
		} {
			t.Run(what+"/"+name, func(t *testing.T) {
				g := on(t)
				g.set(settings)
				g.up(cluster.NewestMinor, 1)
				g.run("etcdctl", "put", "key", "value")
				for _, members := range []int{3, 5, 7, 3, 1} {
					g.up(cluster.NewestMinor, members)
					g.wantWell(members)
				}
			})
		}
	}
}

// byDNS are the settings of a cluster that is found by DNS.
func byDNS(t *testing.T, ground string) string {
	t.Helper()
	settings := "bootstrap: dns"
	if ground == "containers" {
		settings += "\ndns-image: " + dnsImage(t)
	}
	return settings
}

func TestMembersComeAndGoAfterEveryBootstrap(t *testing.T) {
	for name, on := range grounds {
		for what, settings := range map[cluster.Bootstrap]string{
			cluster.ByDiscovery: "bootstrap: discovery",
			cluster.ByDNS:       byDNS(t, name),
		} {
			t.Run(fmt.Sprintf("%s/%s", what, name), func(t *testing.T) { changeInEveryWay(on(t), settings) })
		}
	}
}

// A member whose data is in memory is a new one after every stop.
func TestMembersInMemoryComeAndGo(t *testing.T) {
	for name, on := range grounds {
		t.Run(name, func(t *testing.T) { changeInEveryWay(on(t), "data: memory") })
	}
}

// changeInEveryWay changes a cluster in each way that there is, with a key in it.
func changeInEveryWay(g ground, settings string) {
	minor := cluster.NewestMinor
	g.set(settings)
	g.up(minor, 3)
	g.run("etcdctl", "put", "key", "value")
	g.up(minor, 4)
	g.wantWell(4)
	g.set(settings + "\nsnapshot-count: 5000")
	g.up(minor, 4)
	g.wantWell(4)
	g.run("restart")
	g.wantWell(4)
	g.run("member", "replace", "etcd2")
	g.wantWell(4)
	g.up(minor, 3)
	g.wantWell(3)
}

// wantWell wants so many members, healthy, with the same data, the key among it, and
// nothing left to do.
func (p *processGround) wantWell(members int) {
	p.t.Helper()
	wantWell(p.t, members, p.etcdctr)
	p.wantNothingToDo(p.last...)
}

func (g *engineGround) wantWell(members int) {
	g.t.Helper()
	wantWell(g.t, members, func(args ...string) string { return g.etcdctr(args[0], args[1:]...) })
	if steps := g.etcdctr("up", "--dry-run", "--format", "json"); strings.TrimSpace(steps) != "[]" {
		g.t.Errorf("something is left to do: %s", steps)
	}
}

func wantWell(t *testing.T, members int, etcdctr func(...string) string) {
	t.Helper()
	var report healthReport
	decode(t, etcdctr("health", "--deep", "--format", "json"), &report)
	if len(report.Members) != members {
		t.Errorf("%d members are there, %d are wanted", len(report.Members), members)
	}
	if got := etcdctr("etcdctl", "get", "--print-value-only", "key"); got != "value\n" {
		t.Errorf("the cluster holds %q", got)
	}
}

// Where all the others have joined, a file that founds the cluster says of the last one what
// its container was made of already: that one founded the cluster, and is to join it.
func TestEachMemberOfAStackIsReplacedInTurn(t *testing.T) {
	s := newStack(t)
	s.etcdctr("up")
	s.etcdctr("etcdctl", "put", "key", "value")
	for _, member := range []string{"etcd1", "etcd2", "etcd3"} {
		s.etcdctr("member", "replace", member)
	}
	wantWell(t, 3, func(args ...string) string { return s.etcdctr(args[0], args[1:]...) })
}

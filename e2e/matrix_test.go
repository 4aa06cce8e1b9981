//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// Every way for members to find each other, with every way to secure their
// connections, on every etcd that is supported, started by Compose and by this
// program's own driver.

// combination is a point of the matrix. The ways are those that need nothing
// from outside of the stack.
type combination struct {
	way   cluster.Way
	tls   cluster.TLSMode
	minor int
}

func (c combination) flags(t *testing.T) []string {
	t.Helper()
	flags := []string{"--bootstrap", string(c.way.Bootstrap), "--tls", string(c.tls)}
	if c.way == cluster.ByRecords {
		flags = append(flags, "--dns-image", dnsImage(t))
	}
	return flags
}

func (c combination) String() string {
	return fmt.Sprintf("%s/%s/3.%d", c.way.Bootstrap, c.tls, c.minor)
}

// combinations lists those of some minors that are not refused.
func combinations(minors ...int) []combination {
	var all []combination
	for _, minor := range minors {
		for _, way := range []cluster.Way{cluster.ByList, cluster.ByOwnDiscovery, cluster.ByRecords} {
			for _, tls := range cluster.TLSModes() {
				if cluster.Judge(way, tls, minor).Refusal == "" {
					all = append(all, combination{way, tls, minor})
				}
			}
		}
	}
	return all
}

// starters are the two programs that start a stack. Either way
// `etcdctr health` judges it.
var starters = []struct {
	name  string
	start func(*stack, []string)
}{
	{"compose", func(s *stack, flags []string) { s.generate(flags...); s.up() }},
	{"driver", func(s *stack, flags []string) { s.etcdctr("up", append([]string{"--runtime", "docker"}, flags...)...) }},
}

// TestSmokeEveryTLSModeIsHealthy goes through all pairs of the two with the newest
// etcd, and lets the starters take turns, so that each of them meets each bootstrap
// and each TLS mode; but for DNS, whose server would have to be built for it.
func TestSmokeEveryTLSModeIsHealthy(t *testing.T) {
	noDNS := slices.DeleteFunc(combinations(cluster.NewestMinor), func(c combination) bool { return c.way == cluster.ByRecords })
	for i, c := range noDNS {
		by := starters[i%len(starters)]
		t.Run(fmt.Sprintf("%s/%s", by.name, c), func(t *testing.T) { wantHealthy(t, c, by.start) })
	}
}

func TestEveryCombinationIsHealthyWithEitherStarter(t *testing.T) {
	for _, by := range starters {
		for _, c := range combinations(supportedMinors()...) {
			t.Run(fmt.Sprintf("%s/%s", by.name, c), func(t *testing.T) { wantHealthy(t, c, by.start) })
		}
	}
}

func wantHealthy(t *testing.T, c combination, start func(*stack, []string)) {
	t.Helper()
	s := newStack(t)
	s.ref = etcdImage(t, c.minor)
	start(s, c.flags(t))
	s.etcdctr("health")
	s.wantMembers(3)
}

//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
)

// Each way to bootstrap, with each way to secure it, through the real Compose
// plugin.

// bootstrapFlags ask for a way and a TLS mode, without leaving the machine.
func bootstrapFlags(t *testing.T, b cluster.Bootstrap, tls cluster.TLSMode) []string {
	t.Helper()
	flags := []string{"--bootstrap", string(b), "--tls", string(tls)}
	if b == cluster.ByDNS {
		flags = append(flags, "--dns-image", dnsImage(t))
	}
	return flags
}

// bootstraps are the ways that need nothing but the stack.
var bootstraps = []cluster.Bootstrap{cluster.Static, cluster.ByDiscovery, cluster.ByDNS}

func TestEveryBootstrapWithEveryTLSModeFormsOneClusterAndKeepsIt(t *testing.T) {
	for _, b := range bootstraps {
		for _, tls := range cluster.TLSModes() {
			t.Run(fmt.Sprintf("%s, tls %s", b, tls), func(t *testing.T) {
				proveBootstrap(t, cluster.NewestMinor, b, tls)
			})
		}
	}
}

func TestEveryBootstrapWithEveryOlderEtcdFormsOneClusterAndKeepsIt(t *testing.T) {
	for minor := cluster.OldestMinor; minor < cluster.NewestMinor; minor++ {
		for _, b := range bootstraps {
			t.Run(fmt.Sprintf("etcd 3.%d, %s", minor, b), func(t *testing.T) {
				proveBootstrap(t, minor, b, cluster.Mutual)
			})
		}
	}
}

// proveBootstrap wants one cluster from a stack: when it is new, after every
// container has been restarted, and after it was down with its volumes kept.
func proveBootstrap(t *testing.T, minor int, b cluster.Bootstrap, tls cluster.TLSMode) {
	t.Helper()
	s := newStack(t)
	s.ref = etcdImage(t, minor)
	s.generate(bootstrapFlags(t, b, tls)...)
	s.upPatiently()
	first := s.wantOneCluster(3)
	s.wantCarriedOver("etcd1", "etcd3", "new")

	s.compose("restart", "--timeout", "5")
	s.upPatiently()
	s.wantSameCluster(first, s.wantOneCluster(3))
	s.wantValue("etcd2", "new")
	s.wantCarriedOver("etcd2", "etcd1", "restarted")

	s.compose("down", "--timeout", "5")
	s.upPatiently()
	s.wantSameCluster(first, s.wantOneCluster(3))
	s.wantValue("etcd3", "restarted")
	s.wantCarriedOver("etcd3", "etcd2", "up again")
}

// upPatiently is up on a machine that is busy with other tests.
func (s *stack) upPatiently() {
	s.t.Helper()
	s.compose("up", "--detach", "--wait", "--wait-timeout", "180")
}

// wantOneCluster wants all of n members to answer for themselves, as members of
// the same cluster with the same leader, and gives its ID.
func (s *stack) wantOneCluster(n int) uint64 {
	s.t.Helper()
	var answers []struct {
		Endpoint string
		Status   struct {
			Header struct {
				ClusterID uint64 `json:"cluster_id"`
				MemberID  uint64 `json:"member_id"`
			}
			Leader uint64
		}
	}
	decode(s.t, s.etcdctl("etcd1", "endpoint", "status", "--cluster", "--write-out", "json"), &answers)
	var clusters, members, leaders []uint64
	for _, a := range answers {
		clusters = append(clusters, a.Status.Header.ClusterID)
		members = append(members, a.Status.Header.MemberID)
		leaders = append(leaders, a.Status.Leader)
	}
	clusters, members, leaders = distinct(clusters), distinct(members), distinct(leaders)
	if len(clusters) != 1 || len(members) != n || len(leaders) != 1 || leaders[0] == 0 {
		s.t.Fatalf("got clusters %x, members %x, leaders %x, want one cluster of %d with one leader", clusters, members, leaders, n)
	}
	s.wantMembers(n)
	return clusters[0]
}

func distinct(ids []uint64) []uint64 {
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (s *stack) wantSameCluster(before, now uint64) {
	s.t.Helper()
	if before != now {
		s.t.Errorf("was cluster %x, now it is %x", before, now)
	}
}

// wantCarriedOver writes by one member and reads by another.
func (s *stack) wantCarriedOver(writer, reader, value string) {
	s.t.Helper()
	s.etcdctl(writer, "put", "key", value)
	s.wantValue(reader, value)
}

func (s *stack) wantValue(member, value string) {
	s.t.Helper()
	if got := strings.TrimSpace(s.etcdctl(member, "get", "key", "--print-value-only")); got != value {
		s.t.Errorf("%s has %q, want %q", member, got, value)
	}
}

const startsInARow = 20

// What depends on timing shows itself only now and then.
func TestTwentyStartsInAnyOrderFormTwentyClusters(t *testing.T) {
	for b, ready := range map[cluster.Bootstrap]string{
		cluster.ByDNS:       cluster.DNSServerName,
		cluster.ByDiscovery: cluster.DiscoveryOpenName,
	} {
		t.Run(string(b), func(t *testing.T) {
			s := newStack(t)
			s.generate(bootstrapFlags(t, b, cluster.Mutual)...)
			for range startsInARow {
				s.startOneByOne(ready)
				s.wantOneCluster(3)
				s.compose("down", "--volumes", "--timeout", "0")
			}
		})
	}
}

// startOneByOne starts the members in a random order, the last of them five
// seconds after the others.
func (s *stack) startOneByOne(ready string) {
	s.t.Helper()
	s.compose("up", "--no-start")
	s.compose("up", "--detach", ready)
	members := []string{"etcd1", "etcd2", "etcd3"}
	rand.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	s.t.Logf("in this order: %v", members)
	last := len(members) - 1
	for i, m := range members {
		if i == last {
			time.Sleep(5 * time.Second)
		}
		s.compose("up", "--detach", "--no-deps", m)
	}
	s.upPatiently()
}

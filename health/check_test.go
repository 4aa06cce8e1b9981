package health_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/etcdmain"

	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

func TestMain(m *testing.M) {
	if etcdtest.CalledAsEtcd() {
		etcdmain.Main(os.Args)
		return
	}
	os.Exit(m.Run())
}

func TestACompleteClusterIsHealthy(t *testing.T) {
	c := newCluster(t, "etcd1", "etcd2", "etcd3")
	c.start(t, "etcd1", "etcd2", "etcd3")

	r := c.check(t)
	wantFailures(t, r)
	if !r.Healthy || r.Leader == "" || r.ClusterID == "" {
		t.Errorf("healthy %v, leader %q, cluster %q; want true and both known", r.Healthy, r.Leader, r.ClusterID)
	}
	for _, m := range r.Members {
		if m.Version == "" || m.DBSize == 0 || m.ReadMillis == 0 || m.ClockAheadMillis == nil {
			t.Errorf("%s lacks version, size, read time or clock: %+v", m.Name, m)
		}
	}
}

// Each connection is a handshake that proves a certificate, and two of them are as long as all
// that is asked by it.
func TestAMemberIsConnectedToOnceForTheAPIAndOnceForItsClock(t *testing.T) {
	c := newCluster(t, "etcd1")
	c.start(t, "etcd1")

	var made atomic.Int32
	all := c.cluster()
	all.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		made.Add(1)
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	wantFailures(t, all.Check(t.Context()))
	if n := made.Load(); n != 2 {
		t.Errorf("%d connections were made", n)
	}
}

// All members are asked at the same time, with one configuration.
func TestAskingLeavesTheTLSConfigurationAsItIs(t *testing.T) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	c := health.Cluster{TLS: config, Members: []health.Member{{Name: "etcd1", ClientURL: fmt.Sprintf("https://127.0.0.1:%d", etcdtest.FreePort(t))}}}
	c.Check(t.Context())
	if config.NextProtos != nil {
		t.Errorf("the configuration has got the protocols %q", config.NextProtos)
	}
}

func TestAMemberThatIsDownDoesNotHideTheOthers(t *testing.T) {
	c := newCluster(t, "etcd1", "etcd2", "etcd3")
	c.start(t, "etcd1", "etcd2", "etcd3")
	c.stop("etcd2")

	r := c.check(t)
	wantFailures(t, r, "etcd2: does not answer: dial tcp")
	if r.Leader == "" {
		t.Error("the other two have no leader")
	}
}

func TestAClusterWithoutQuorumNamesItsLostLeader(t *testing.T) {
	c := newCluster(t, "etcd1", "etcd2", "etcd3")
	c.start(t, "etcd1", "etcd2", "etcd3")
	c.stop("etcd2")
	c.stop("etcd3")
	c.await(t, func(r health.Report) bool { return r.Leader == "" })

	r := c.check(t)
	wantFailures(t, r,
		"etcd1: has no leader",
		"etcd2: does not answer: dial tcp",
		"etcd3: does not answer: dial tcp",
		"etcd1: does not answer a linearizable read")
}

// Before its first quorum etcd accepts connections and answers nothing.
func TestAMemberThatWaitsForItsFirstQuorumIsSilent(t *testing.T) {
	c := newCluster(t, "etcd1", "etcd2", "etcd3")
	c.startWithoutWaiting(t, "etcd1")
	c.await(t, func(r health.Report) bool { return strings.Contains(r.Members[0].Error, "accepts connections") })

	wantFailures(t, c.check(t),
		"etcd1: does not answer: accepts connections and does not answer",
		"etcd2: does not answer: dial tcp",
		"etcd3: does not answer: dial tcp")
}

func TestThreeOneMemberClustersAreNamedAsThat(t *testing.T) {
	names := []string{"etcd1", "etcd2", "etcd3"}
	c := newCluster(t, names...)
	for _, name := range names {
		c.initial[name] = name + "=" + c.peerURL(name)
		c.start(t, name)
	}

	r := c.check(t)
	wantFailures(t, r, "3 clusters instead of one (etcd1 in ")
	if !strings.Contains(r.Failures[0], "each member formed a cluster of its own") {
		t.Errorf("the first failure does not say why: %s", r.Failures[0])
	}
}

func TestMembersOtherThanTheExpectedAreFailures(t *testing.T) {
	c := newCluster(t, "etcd1", "etcd2", "etcd3")
	c.start(t, "etcd1", "etcd2", "etcd3")
	c.names = []string{"etcd1", "etcd2"}

	wantFailures(t, c.check(t), "etcd1, etcd2: knows a member etcd3 that is not here")
}

func TestTheDataOfAllMembersIsComparedOnDemand(t *testing.T) {
	c := newCluster(t, "etcd1", "etcd2")
	c.start(t, "etcd1", "etcd2")
	if _, err := c.client(t, "etcd1").Put(t.Context(), "key", "value"); err != nil {
		t.Fatal(err)
	}
	c.deep = true
	c.await(t, func(r health.Report) bool {
		return r.Healthy && r.Members[0].Hash != "" && r.Members[0].Hash == r.Members[1].Hash
	})
}

// One that has started anew hashes what is left of a compaction up to the last write,
// and the others have the hash of what was there before.
func TestTheDataIsComparedThatWasCompactedUpToTheLastWrite(t *testing.T) {
	c := newCluster(t, "etcd1", "etcd2", "etcd3")
	c.start(t, c.names...)
	var last int64
	for range 2 {
		r, err := c.client(t, "etcd1").Put(t.Context(), "key", "value")
		if err != nil {
			t.Fatal(err)
		}
		last = r.Header.Revision
	}
	if _, err := c.client(t, "etcd1").Compact(t.Context(), last, clientv3.WithCompactPhysical()); err != nil {
		t.Fatal(err)
	}
	c.running["etcd1"].Stop()
	c.start(t, "etcd1")
	c.deep = true
	c.await(t, func(r health.Report) bool { return r.Healthy && r.Members[0].Hash != "" })
}

func TestALearnerIsNotYetAMember(t *testing.T) {
	c := newCluster(t, "etcd1")
	c.start(t, "etcd1")
	c.add(t, "etcd2")

	c.await(t, func(r health.Report) bool { return r.Members[1].Role == health.Learner })
	r := c.check(t)
	wantFailures(t, r)
	if !slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.HasPrefix(w, "etcd2: is joining, ") }) {
		t.Errorf("the warnings are %q", r.Warnings)
	}
}

func TestAFullDatabaseIsAFailure(t *testing.T) {
	c := newCluster(t, "etcd1")
	c.flags = []string{"--quota-backend-bytes=1048576"}
	c.start(t, "etcd1")
	client := c.client(t, "etcd1")
	var err error
	for i := 0; i < 100 && !errors.Is(err, rpctypes.ErrNoSpace); i++ {
		_, err = client.Put(t.Context(), fmt.Sprint(i), strings.Repeat("x", 512<<10))
	}
	if !errors.Is(err, rpctypes.ErrNoSpace) {
		t.Fatalf("the database does not run full: %v", err)
	}
	c.await(t, func(r health.Report) bool { return !r.Healthy }) // the alarm follows the refused write

	r := c.check(t)
	wantFailures(t, r, "etcd1: alarm NOSPACE: its database reached the quota")
	if want := []string{"NOSPACE"}; !slices.Equal(r.Members[0].Alarms, want) {
		t.Errorf("alarms %q, want %q", r.Members[0].Alarms, want)
	}
}

func TestAnAddressOfAnotherMemberIsNoticed(t *testing.T) {
	c := newCluster(t, "etcd1", "etcd2")
	c.start(t, "etcd1", "etcd2")
	c.clientPort["etcd2"] = c.clientPort["etcd1"]

	wantFailures(t, c.check(t), "etcd2: is answered for by another member")
}

// wantFailures compares the failures' beginnings.
func wantFailures(t *testing.T, r health.Report, want ...string) {
	t.Helper()
	if r.Healthy != (len(r.Failures) == 0) {
		t.Errorf("healthy is %v with failures %q", r.Healthy, r.Failures)
	}
	ok := slices.EqualFunc(r.Failures, want, strings.HasPrefix)
	if !ok {
		t.Errorf("failures:\n  %s\nwant lines that begin:\n  %s",
			strings.Join(r.Failures, "\n  "), strings.Join(want, "\n  "))
	}
}

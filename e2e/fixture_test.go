//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
	"github.com/testcontainers/testcontainers-go/network"
	"github.com/testcontainers/testcontainers-go/wait"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/cluster"
)

// The fixture that other projects' tests import.

// testImage is the image that the suite made of this machine's newest etcd.
func testImage(t *testing.T) Option {
	t.Helper()
	return WithImage(etcdImage(t, cluster.NewestMinor))
}

func TestSmokeStartGivesAReadyClusterAndLeavesNothing(t *testing.T) {
	t.Parallel()
	var etcd *Cluster
	t.Run("running", func(t *testing.T) {
		etcd = Start(t, testImage(t))
		if got, want := len(etcd.Members), 3; got != want {
			t.Fatalf("got %d members, want %d", got, want)
		}
		for _, m := range etcd.Members {
			config := fixtureConfig(t, etcd)
			if config.TLS == nil {
				t.Fatal("without TLS")
			}
			config.Endpoints = []string{m.Endpoint()}
			roundTrip(t, config)
		}
	})
	if etcd == nil {
		return // which was said
	}
	wantNothingLeft(t, etcd.Name)
	if _, err := os.Stat(etcd.CertsDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the certificates: %v", err)
	}
}

func fixtureConfig(t *testing.T, etcd *Cluster) clientv3.Config {
	t.Helper()
	config, err := etcd.Config()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// TestStartKnowsEveryBootstrapAndTLSMode starts what the CLI can describe.
func TestStartKnowsEveryBootstrapAndTLSMode(t *testing.T) {
	for _, bootstrap := range []cluster.Bootstrap{cluster.Static, cluster.ByDiscovery, cluster.ByDNS} {
		for _, tls := range []cluster.TLSMode{cluster.Mutual, cluster.AutoTLS, cluster.NoTLS} {
			t.Run(fmt.Sprintf("%s/%s", bootstrap, tls), func(t *testing.T) {
				spec := cluster.Spec{}
				if bootstrap == cluster.ByDNS {
					spec.DNSImage = dnsImage(t)
				}
				etcd := Start(t, WithSpec(spec), testImage(t), WithBootstrap(bootstrap), WithTLS(tls))
				roundTrip(t, fixtureConfig(t, etcd))
			})
		}
	}
}

// TestClustersOfParallelTestsDoNotMeet starts some at once, with addresses of
// their own choice (static) and with fixed ones (DNS).
func TestClustersOfParallelTestsDoNotMeet(t *testing.T) {
	t.Parallel()
	for i := range 6 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			bootstrap := cluster.Static
			if i%2 == 1 {
				bootstrap = cluster.ByDNS
			}
			etcd := Start(t, WithMembers(1), WithBootstrap(bootstrap))
			made, err := etcd.Client.Txn(t.Context()).If(clientv3.Compare(clientv3.CreateRevision("mine"), "=", 0)).
				Then(clientv3.OpPut("mine", etcd.Name)).Commit()
			if err != nil || !made.Succeeded {
				t.Errorf("somebody was here before: %v, %v", made, err)
			}
		})
	}
}

// wantNothingLeft wants the engine to hold nothing of a cluster.
func wantNothingLeft(t *testing.T, name string) {
	t.Helper()
	if err := nothingLeft(name); err != nil {
		t.Error(err)
	}
}

// TestMembersKeepDataAndEndpoint takes members down in every way that a handle
// has, and wants them back where clients know them.
func TestMembersKeepDataAndEndpoint(t *testing.T) {
	t.Parallel()
	etcd := Start(t, testImage(t))
	for _, fault := range []struct {
		name      string
		hit, mend func(*Member, context.Context) error
	}{
		{name: "stop", hit: (*Member).Stop, mend: (*Member).Start},
		{name: "kill", hit: (*Member).Kill, mend: (*Member).Start},
		{name: "pause", hit: (*Member).Pause, mend: (*Member).Unpause},
		{name: "disconnect", hit: (*Member).Disconnect, mend: (*Member).Reconnect},
	} {
		t.Run(fault.name, func(t *testing.T) {
			leader, err := etcd.Leader(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			endpoint := leader.Endpoint()
			if err := fault.hit(leader, t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := ask(t, etcd, leader); err == nil {
				t.Errorf("%s still answers", leader.Name)
			}
			put(t, etcd.Client, "written-without", leader.Name)
			if err := fault.mend(leader, t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := etcd.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			if leader.Endpoint() != endpoint {
				t.Errorf("moved from %s to %s", endpoint, leader.Endpoint())
			}
			if err := ask(t, etcd, leader); err != nil {
				t.Error(err)
			}
		})
	}
}

// ask does one read through a member alone.
func ask(t *testing.T, etcd *Cluster, m *Member) error {
	t.Helper()
	config := fixtureConfig(t, etcd)
	config.Endpoints = []string{m.Endpoint()}
	c, err := clientv3.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err = c.Get(ctx, "key")
	return err
}

// put writes a key, and tries again when a request is not answered: one that
// went to a frozen member never is.
func put(t *testing.T, c *clientv3.Client, key, value string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		_, err := c.Put(attempt, key, value)
		cancel()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

func TestReplaceGivesANewMemberWithTheOldData(t *testing.T) {
	t.Parallel()
	etcd := Start(t, testImage(t))
	put(t, etcd.Client, "key", "value")
	m := etcd.Member("etcd2")
	before, err := memberID(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Replace(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := etcd.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := memberID(t.Context(), m)
	if err != nil || after == before {
		t.Errorf("member %x is %x now, %v", before, after, err)
	}
	got, err := etcd.Client.Get(t.Context(), "key")
	if err != nil || len(got.Kvs) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

func memberID(ctx context.Context, m *Member) (uint64, error) {
	list, err := m.cluster.Client.MemberList(ctx)
	if err != nil {
		return 0, err
	}
	for _, x := range list.Members {
		if x.Name == m.Name && !x.IsLearner {
			return x.ID, nil
		}
	}
	return 0, fmt.Errorf("%s is no member with a vote", m.Name)
}

func TestContainersReachTheClusterOnTheirNetwork(t *testing.T) {
	t.Parallel()
	nw, err := network.New(t.Context())
	testcontainers.CleanupNetwork(t, nw)
	if err != nil {
		t.Fatal(err)
	}
	// Two clusters on one network do not take each other's members for theirs.
	first := Start(t, testImage(t), WithMembers(1), WithNetwork(nw.Name))
	second := Start(t, testImage(t), WithMembers(1), WithNetwork(nw.Name))
	for _, etcd := range []*Cluster{first, second} {
		root, err := etcd.Certificate(t.Context(), "root")
		if err != nil {
			t.Fatal(err)
		}
		out := runToEnd(t, nw.Name, []string{
			"etcdctl", "put", "cluster", etcd.Name,
			"--endpoints", strings.Join(etcd.ContainerEndpoints(), ","), "--cacert", "/ca", "--cert", "/cert", "--key", "/key",
		}, map[string]string{"/ca": root.CAFile, "/cert": root.CertFile, "/key": root.KeyFile})
		got, err := etcd.Client.Get(t.Context(), "cluster")
		if err != nil || len(got.Kvs) != 1 || string(got.Kvs[0].Value) != etcd.Name {
			t.Errorf("got %v, %v; the container said %s", got, err, out)
		}
	}
}

// runToEnd runs a command of etcd's image in a container on a network, with
// some files of this machine, and gives its output.
func runToEnd(t *testing.T, network string, cmd []string, files map[string]string) string {
	t.Helper()
	var copied []testcontainers.ContainerFile
	for at, file := range files {
		copied = append(copied, testcontainers.ContainerFile{HostFilePath: file, ContainerFilePath: at, FileMode: 0o644})
	}
	c, err := testcontainers.Run(t.Context(), etcdImage(t, cluster.NewestMinor),
		testcontainers.WithName(uniqueName(namePrefix)), testcontainers.WithCmd(cmd...), testcontainers.WithFiles(copied...),
		testcontainers.CustomizeRequest(testcontainers.GenericContainerRequest{
			ContainerRequest: testcontainers.ContainerRequest{Networks: []string{network}},
		}),
		testcontainers.WithWaitStrategy(wait.ForExit()))
	testcontainers.CleanupContainer(t, c)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Logs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// brokenEtcd passes every check of the spec, and etcd refuses it.
func brokenEtcd(t *testing.T) Option {
	t.Helper()
	return WithSpec(cluster.Spec{
		Members:  cluster.Count(1),
		Image:    etcdImage(t, cluster.NewestMinor),
		Settings: map[string]string{"cipher-suites": "NONSENSE"},
	})
}

func TestAFailedRunSaysWhyAndHandsBackWhatItMade(t *testing.T) {
	t.Parallel()
	etcd, err := Run(t.Context(), brokenEtcd(t))
	t.Cleanup(func() {
		if err := etcd.Terminate(context.Background()); err != nil {
			t.Error(err)
		}
		wantNothingLeft(t, etcd.Name)
	})
	if err == nil || !strings.Contains(err.Error(), "etcd1: the container is exited, exit code 1") {
		t.Errorf("got %v", err)
	}
	text, err := etcd.Member("etcd1").Logs(t.Context())
	if err != nil || !strings.Contains(text, "NONSENSE") {
		t.Errorf("the log does not hold the cause: %v\n%s", err, text)
	}
}

// failing is a test that is allowed to fail: it keeps what was said.
type failing struct {
	testing.TB
	failed   bool
	said     strings.Builder
	cleanUps []func()
}

func (f *failing) Failed() bool                 { return f.failed }
func (f *failing) Logf(format string, a ...any) { fmt.Fprintf(&f.said, format+"\n", a...) }
func (f *failing) Cleanup(cleanUp func())       { f.cleanUps = append(f.cleanUps, cleanUp) }
func (f *failing) Error(a ...any)               { f.failed = true; fmt.Fprintln(&f.said, a...) }
func (f *failing) Fatal(a ...any)               { f.Error(a...); runtime.Goexit() }

func TestAFailedTestShowsTheMembersLogsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	inner := &failing{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		Start(inner, brokenEtcd(t))
	}()
	<-done
	for _, cleanUp := range slices.Backward(inner.cleanUps) {
		cleanUp()
	}
	said := inner.said.String()
	for _, want := range []string{"cannot start the etcd cluster", "the log of etcd1:", "NONSENSE"} {
		if !strings.Contains(said, want) {
			t.Errorf("the test's log does not say %q:\n%s", want, said)
		}
	}
	name := regexp.MustCompile(`etcdctr-e2e-[0-9a-f]{10}`).FindString(said)
	if name == "" {
		t.Fatal("the test's log does not name the cluster")
	}
	wantNothingLeft(t, name)
}

func TestStartMeetsNobodyOnATakenPort(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	etcd, err := prepare(t.Context(), optionsOf(testImage(t), WithMembers(1), WithLogger(log.TestLogger(t))))
	t.Cleanup(func() { cleanUp(t, etcd, false) })
	if err != nil {
		t.Fatal(err)
	}
	m := etcd.Member("etcd1")
	m.port, m.service.Ports[0].Published = port, port
	err = errors.Join(etcd.lay(t.Context()), m.create(t.Context()), m.firstStart(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if m.port == port {
		t.Error("the member is on the taken port")
	}
	if err := m.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

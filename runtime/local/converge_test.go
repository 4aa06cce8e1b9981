//go:build unix && e2e

package local_test

import (
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/local"
)

// living is a real cluster of processes that Hands bring about and change.
type living struct {
	t       *testing.T
	runtime *local.Runtime
	hands   *converge.Hands
	spec    cluster.Spec
}

func live(t *testing.T) *living {
	t.Helper()
	r := local.New(options(t, t.TempDir()))
	l := &living{t: t, runtime: r, spec: cluster.Spec{Name: "conv", TLS: "none", Data: "volume", HeartbeatInterval: "10ms", ElectionTimeout: "100ms"}}
	l.hands = &converge.Hands{
		Runtime: r,
		Ask:     converge.Asking(func(*runtime.State) (*tls.Config, error) { return nil, nil }, member.Patience{}),
		Tell: func(e converge.Event) {
			if e.Kind == converge.Ends {
				t.Logf("%d/%d %s: %v", e.Number, e.Of, e.Step, e.Err)
			}
		},
	}
	t.Cleanup(func() {
		if err := r.Remove(context.Background(), l.spec.Name, runtime.Removal{Data: true}); err != nil {
			t.Errorf("the clean-up fails: %v", err)
		}
	})
	return l
}

// do makes a wish come true, and demands that so many members serve afterwards.
func (l *living) do(asked converge.Asked, members int) converge.Outcome {
	l.t.Helper()
	want, err := l.runtime.Place(l.t.Context(), l.spec)
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(l.t.Context(), 2*time.Minute)
	defer cancel()
	outcome, err := l.hands.Do(ctx, converge.Wish{Name: l.spec.Name, Want: want, Asked: asked})
	if err != nil {
		l.t.Fatalf("%v: %v\n%s", asked.Verb, err, outcome.Done)
	}
	serving := 0
	for _, e := range outcome.Etcd.Endpoints {
		if e.Serves() {
			serving++
		}
	}
	if serving != members || len(outcome.Etcd.Voters()) != members {
		l.t.Fatalf("%d of %d members serve, %d are wanted", serving, len(outcome.Etcd.Voters()), members)
	}
	return outcome
}

func TestARealClusterIsWhatItsDescriptionSays(t *testing.T) {
	l := live(t)
	up := converge.Asked{Verb: converge.Up}
	l.spec.Members = cluster.Count(1)
	l.do(up, 1)
	if again := l.do(up, 1); len(again.Done) > 0 {
		t.Errorf("a second run does\n%s", again.Done)
	}

	l.spec.Members = cluster.Count(3)
	l.do(up, 3)
	if again := l.do(up, 3); len(again.Done) > 0 {
		t.Errorf("a second run does\n%s", again.Done)
	}

	l.spec.SnapshotCount = "5000"
	l.do(up, 3)
	l.do(converge.Asked{Verb: converge.Restart}, 3)
	l.do(converge.Asked{Verb: converge.Replace, Servers: []string{"etcd2"}}, 3)

	if err := l.runtime.Stop(t.Context(), l.spec.Name, time.Second, "etcd3"); err != nil {
		t.Fatal(err)
	}
	lose(t, l.runtime, l.spec.Name, "etcd3")
	l.do(up, 3)

	l.spec.Members = cluster.Count(1)
	l.do(up, 1)
}

// lose deletes the data of a member that is stopped.
func lose(t *testing.T, r *local.Runtime, name, server string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(r.Home(name), "*", server, "member"))
	if err != nil || len(found) != 1 {
		found, err = filepath.Glob(filepath.Join(r.Home(name), server, "*", "member"))
	}
	if err != nil || len(found) != 1 {
		t.Fatalf("the data of %s is at %v: %v", server, found, err)
	}
	if err := os.RemoveAll(found[0]); err != nil {
		t.Fatal(err)
	}
}

// Each hop is made by way of the minor between, with the real programs of each
// release: what 3.5 left in the logs stops 3.7, and a downgrade has to be prepared.
func TestARealClusterGoesThroughTheReleasesAndBack(t *testing.T) {
	programs := os.Getenv("ETCDCTR_E2E_BIN")
	if programs == "" {
		t.Fatal("ETCDCTR_E2E_BIN has to name the folder of etcd's releases: run make e2e")
	}
	l := live(t)
	with := func(v cluster.Version) cluster.Spec {
		s := l.spec
		s.Etcd, s.EtcdBinary = v.String(), filepath.Join(programs, v.String()[len("v"):len("v3.5")], "etcd")
		return s
	}
	l.hands.Hop = func(ctx context.Context, v cluster.Version) (*cluster.Cluster, error) {
		return l.runtime.Place(ctx, with(v))
	}
	l.spec.Members = cluster.Count(3)
	for _, minor := range []int{cluster.OldestMinor, cluster.NewestMinor, cluster.OldestMinor} {
		l.spec = with(cluster.KnownPatches[minor])
		outcome := l.do(converge.Asked{Verb: converge.Up}, 3)
		for _, e := range outcome.Etcd.Endpoints {
			if v, err := cluster.ReadVersion(e.Version); err != nil || v.Minor != minor {
				t.Fatalf("%s is of %s, 3.%d was wanted", e.Name, e.Version, minor)
			}
		}
	}
}

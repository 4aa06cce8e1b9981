//go:build e2e && linux

package e2e

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// TestFleetIsRestoredAndRecovered brings a backup back, and what was there before it,
// and makes the cluster anew on other machines once two are lost for good.
func TestFleetIsRestoredAndRecovered(t *testing.T) {
	useTodaysEngine(t)
	image := etcdImage(t, cluster.NewestMinor)
	f := newFleet(t, 5, image)
	f.describe(f.seats(1, 2, 3), "image: "+image)
	f.etcdctr("up")
	archive := filepath.Join(f.home, "kept.etcdctr")
	f.etcdctr("etcdctl", "put", "key", "before")
	f.etcdctr("backup", "--output", archive)
	f.etcdctr("etcdctl", "put", "key", "after")
	f.etcdctr("restore", "--yes", archive)
	f.wantValue("restored", "before")
	f.etcdctr("restore", "--undo", "--yes")
	f.etcdctr("up")
	f.wantValue("undone", "after")

	for _, m := range f.machines[1:3] {
		m.cutPower()
	}
	f.describe(f.seats(1, 4, 5), "image: "+image)
	f.etcdctr("recover", "--yes")
	f.wantSaid("health", []string{"etcd2@10.77.0.2, etcd3@10.77.0.3: is no member any more"}, []string{"does not know", "does not answer"})
	f.wantSaid("doctor", []string{"is no member any more", "etcdctr up"}, nil)
	f.wantValue("recovered on other machines", "after")
	f.spread(f.seats(1, 4, 5)).wantOneCluster()
	f.etcdctr("up") // which leaves what does not answer
	f.etcdctr("health")
	for _, m := range f.machines[1:3] {
		m.powerOn()
	}
	// Those there are a quorum of the cluster that was given up.
	f.wantSeen("etcd2@10.77.0.2")
	f.wantSeen("etcd3@10.77.0.3")
	eventually(t, "both clusters are told", func() error {
		out, err := f.try("health")
		if all := fmt.Sprint(out, err); err == nil || !strings.Contains(all, "2 clusters instead of one") {
			return errors.New("health says " + all)
		}
		return nil
	})
	if _, err := f.try("up"); err == nil || !strings.Contains(err.Error(), "`etcdctr stop etcd2@10.77.0.2 etcd3@10.77.0.3`") {
		t.Errorf("two clusters answer, and up says %v", err)
	}
	f.etcdctr("stop", "etcd2@10.77.0.2", "etcd3@10.77.0.3")
	f.etcdctr("up", "--volumes", "--yes")
	f.wantValue("with the lost machines back", "after")
	f.spread(f.seats(1, 4, 5)).wantOneCluster()
	f.etcdctr("down", "--volumes", "--yes")
	f.wantNothingLeft()
}

// TestFleetThatIsGoneIsTold has all machines lose a cluster with its data behind the back of
// the folder that has seen it serve.
func TestFleetThatIsGoneIsTold(t *testing.T) {
	useTodaysEngine(t)
	image := etcdImage(t, cluster.NewestMinor)
	f := newFleet(t, 3, image)
	f.describe(f.seats(1, 2, 3), "image: "+image)
	f.etcdctr("up")
	f.etcdctr("etcdctl", "put", "key", "value")
	f.etcdctr("health")
	of := "label=com.docker.compose.project=" + f.name
	for _, m := range f.machines {
		m.wipe(t, of, of)
	}
	gone := []string{"is gone, and has served before"}
	f.wantSaid("health", gone, nil)
	f.wantSaid("doctor", gone, nil)
	f.wantSaid("up", []string{"begins empty, and has served before"}, nil)
	f.etcdctr("up") // it has been told
	f.etcdctr("health")
	f.etcdctr("down", "--volumes", "--yes")
	f.wantNothingLeft()
	f.wantSaid("health", nil, []string{"has served before"}) // it was deleted from here
}

func (f *fleetTest) wantValue(what, want string) {
	f.t.Helper()
	if got := f.etcdctr("etcdctl", "get", "--print-value-only", "key"); got != want+"\n" {
		f.t.Errorf("%s: the value is %q, want %s", what, got, want)
	}
}

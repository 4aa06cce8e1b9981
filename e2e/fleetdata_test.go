//go:build e2e && linux

package e2e

import (
	"path/filepath"
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
	f.wantValue("recovered on other machines", "after")
	f.spread(f.seats(1, 4, 5)).wantOneCluster()
	for _, m := range f.machines[1:3] {
		m.powerOn()
	}
	f.etcdctr("up", "--volumes", "--yes")
	f.wantValue("with the lost machines back", "after")
	f.spread(f.seats(1, 4, 5)).wantOneCluster()
	f.etcdctr("down", "--volumes", "--yes")
	f.wantNothingLeft()
}

func (f *fleetTest) wantValue(what, want string) {
	f.t.Helper()
	if got := f.etcdctr("etcdctl", "get", "--print-value-only", "key"); got != want+"\n" {
		f.t.Errorf("%s: the value is %q, want %s", what, got, want)
	}
}

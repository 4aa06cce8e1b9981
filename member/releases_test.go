//go:build e2e

package member_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
)

// release is the etcd of a minor, as the Makefile hands it in.
func release(t *testing.T, minor int) etcd {
	t.Helper()
	dir := os.Getenv("ETCDCTR_E2E_BIN")
	if dir == "" {
		t.Fatal("ETCDCTR_E2E_BIN is not set: run the suite with `make e2e`")
	}
	return etcd{filepath.Join(dir, fmt.Sprintf("3.%d", minor), "etcd"), minor}
}

func TestScenariosOnEveryRelease(t *testing.T) {
	for _, minor := range slices.Sorted(maps.Keys(cluster.KnownPatches)) {
		t.Run(fmt.Sprintf("3.%d", minor), func(t *testing.T) {
			runScenarios(t, release(t, minor))
		})
	}
}

// Data of 3.5 stops a member of 3.7, whatever ran in between, until its log has
// been cut off behind what 3.5 wrote.
func TestRenewedSnapshotsLetDataOf35StartOn37(t *testing.T) {
	names := []string{"etcd1", "etcd2", "etcd3"}
	c := release(t, 5).newCluster(t, names...)
	c.start(t)
	client := c.client(t, member.Patience{})
	serving(t, client)
	c.write(t, "etcd1", 10, 10)
	roll(t, c, client, 6)

	c.stop("etcd1")
	c.etcd = release(t, 7)
	c.start(t, "etcd1")
	<-c.members["etcd1"].Ended()
	if log := c.members["etcd1"].Log(); !strings.Contains(log, "panic") {
		t.Errorf("3.7 is not stopped by a log of 3.5 any more: RenewSnapshots may not be needed\n%s", log)
	}
	c.etcd = release(t, 6)
	c.start(t, "etcd1")
	serving(t, client)

	if err := client.RenewSnapshots(t.Context()); err != nil {
		t.Fatal(err)
	}
	roll(t, c, client, 7)
	if err := client.RenewSnapshots(t.Context()); err == nil {
		t.Error("a cluster of 3.7 is prepared for 3.7")
	}
	if h, err := client.Hash(t.Context()); err != nil || !h.Same() {
		t.Errorf("the members' data is not the same: %+v, %v", h, err)
	}
}

func TestDowngradeByOneReleaseAtATime(t *testing.T) {
	c := release(t, cluster.NewestMinor).newCluster(t, "etcd1", "etcd2", "etcd3")
	c.start(t)
	client := c.client(t, member.Patience{})
	serving(t, client)
	if _, err := client.WaitClusterVersion(t.Context(), fmt.Sprintf("3.%d", cluster.NewestMinor)); err != nil {
		t.Fatal(err)
	}
	for minor := cluster.NewestMinor - 1; minor >= cluster.OldestMinor; minor-- {
		target := fmt.Sprintf("3.%d", minor)
		if err := client.EnableDowngrade(t.Context(), target); err != nil {
			t.Fatal(err)
		}
		if _, err := client.WaitStorageVersion(t.Context(), target); err != nil {
			t.Fatal(err)
		}
		roll(t, c, client, minor)
		if _, err := client.WaitNoDowngrade(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// roll replaces one member after the other by those of another release, and waits
// until they have agreed on its version and store their data in its form.
func roll(t *testing.T, c *running, client *member.Client, minor int) {
	t.Helper()
	c.etcd = release(t, minor)
	for _, name := range []string{"etcd1", "etcd2", "etcd3"} {
		if _, err := client.WaitSteady(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := client.HandOver(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		c.stop(name)
		c.start(t, name)
		serving(t, client, name)
	}
	v, err := client.WaitClusterVersion(t.Context(), fmt.Sprintf("3.%d", minor))
	if err == nil {
		_, err = client.WaitStorageVersion(t.Context(), fmt.Sprintf("3.%d", minor))
	}
	if err != nil {
		t.Fatalf("%v: %+v", err, v)
	}
}

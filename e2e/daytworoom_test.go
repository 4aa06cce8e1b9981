//go:build e2e && linux

package e2e

import (
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// TestNoClientNoticesDefragmentation has members put their files in order, each of
// which is of a size that takes its time: meanwhile a member answers nobody.
func TestNoClientNoticesDefragmentation(t *testing.T) {
	const megabytes = 300
	for name, minor := range map[string]int{"the oldest": cluster.OldestMinor, "the newest": cluster.NewestMinor} {
		t.Run(name, func(t *testing.T) {
			g := onProcesses(t)
			g.up(minor, 3)
			fillWith(t, g.config(), megabytes)
			u := startUse(t, g.config())
			u.beside(untouched(t, minor))
			u.planned("all are defragmented", func() { g.run("defrag", "--all") })
			u.planned("one is defragmented", func() { g.run("defrag", "--all", "etcd2") })
			u.finish()
		})
	}
}

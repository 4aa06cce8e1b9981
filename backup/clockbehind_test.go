package backup_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/backup"
)

// A machine whose clock has lost its battery begins in the past, and what it backs up then
// is dated before all that there is. The rules keep of the others what they kept before.
func TestOneBackupOfAClockThatWasBehindCostsNoOther(t *testing.T) {
	var all []backup.Found
	for day := range 20 {
		all = append(all, backup.Found{Path: fmt.Sprintf("day%02d", day), Metadata: backup.Metadata{
			Cluster: "orders", ClusterID: "1a", Revision: int64(100 + day), Time: noon.AddDate(0, 0, day),
		}})
	}
	keep := backup.Keep{Last: 2, Daily: 7, Weekly: 3}
	behind := backup.Found{Path: "behind", Metadata: backup.Metadata{
		Cluster: "orders", ClusterID: "1a", Revision: 200, Time: time.Date(2000, 1, 1, 0, 5, 0, 0, time.UTC),
	}}
	before, after := stay(all, keep), stay(append(slices.Clone(all), behind), keep)
	if len(after) < len(before) || after[0] != behind.Path {
		t.Errorf("%v stay, and without it %v", after, before)
	}
}

// stay are those that no rule lets go, the newest first.
func stay(all []backup.Found, keep backup.Keep) []string {
	gone := backup.Prunable(all, keep, "")
	var names []string
	for _, f := range slices.Backward(all) {
		if !slices.ContainsFunc(gone, func(g backup.Found) bool { return g.Path == f.Path }) {
			names = append(names, f.Path)
		}
	}
	return names
}

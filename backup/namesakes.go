package backup

import (
	"fmt"
	"slices"
	"time"

	"github.com/etcdctr/etcdctr/internal/listed"
)

// This file tells clusters of one name apart, by the IDs that etcd gives them, in backups as
// List gives them, the newest first. A restoration makes one of another ID, and its undoing
// brings the one before back. Two that run keep their backups in one place by mistake:
// neither must do without its own because of that.

// formers is of how many clusters of a name, which had other IDs, the newest backup stays
// whatever the rules say: one that is brought back is known by it.
const formers = 10

// SharedError is the error of a place in which several clusters of one name take turns.
type SharedError struct {
	Cluster, Place string
	IDs            []string // hexadecimal, as etcd writes them
}

func (e *SharedError) Error() string {
	return fmt.Sprintf("several clusters that are called %s keep their backups in %s (%s): `restore` takes the newest, whosever it is, so give each a destination of its own",
		e.Cluster, e.Place, listed.And(e.IDs))
}

// ofID are those of a cluster by its ID; all, where that is not known.
func ofID(all []Found, id string) []Found {
	return slices.DeleteFunc(slices.Clone(all), func(f Found) bool { return id != "" && f.Metadata.ClusterID != id })
}

// ofName are those of a cluster by its name, as they can be read.
func ofName(all []Found, name string) []Found {
	return slices.DeleteFunc(slices.Clone(all), func(f Found) bool { return f.Err != nil || f.Metadata.Cluster != name })
}

// idsOf are the IDs of clusters, in the order of their backups.
func idsOf(all []Found) []string {
	var ids []string
	for _, f := range all {
		if id := f.Metadata.ClusterID; id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// takingTurns are clusters of one name that run side by side: each is backed up again after
// the other was. One that was restored, and brought back, is not followed by the restored one.
func takingTurns(all []Found) []string {
	ids := idsOf(all)
	var found []string
	for i, one := range ids {
		for _, other := range ids[i+1:] {
			if turns(all, one, other) > 2 {
				found = append(found, one, other)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// turns counts how often backups of the one stand next to those of the other.
func turns(all []Found, one, other string) int {
	n, last := 0, ""
	for _, f := range all {
		id := f.Metadata.ClusterID
		if id != one && id != other {
			continue
		}
		if last != "" && id != last {
			n++
		}
		last = id
	}
	return n
}

// staying are the backups of one name that rules keep, and the newest of each of the last
// clusters that had it. Clusters that take turns are kept each by itself.
func staying(all []Found, keep Keep) map[string]bool {
	stays := map[string]bool{}
	apart := takingTurns(all)
	groups := [][]Found{slices.DeleteFunc(slices.Clone(all), func(f Found) bool { return slices.Contains(apart, f.Metadata.ClusterID) })}
	for _, id := range apart {
		groups = append(groups, ofID(all, id))
	}
	for _, group := range groups {
		taken := takenBy(group)
		var times []time.Time
		for _, f := range group {
			times = append(times, taken[f.Path])
		}
		for i, chosen := range keep.Choose(times) {
			stays[group[i].Path] = stays[group[i].Path] || chosen
		}
	}
	ids := idsOf(all)
	for i, id := range ids[:min(len(ids), formers+1)] {
		n := 1
		if i < 2 && len(ids) > 1 {
			n = 2 // by which those that take turns are seen to
		}
		of := ofID(all, id)
		for _, f := range of[:min(n, len(of))] {
			stays[f.Path] = true
		}
	}
	return stays
}

package cluster

import (
	"cmp"
	"fmt"
)

// Compare orders releases: negative when v is older than o. A pre-release is
// older than its release; two of them are ordered by their names.
func (v Version) Compare(o Version) int {
	return cmp.Or(cmp.Compare(v.Minor, o.Minor), cmp.Compare(v.Patch, o.Patch), comparePre(v.Pre, o.Pre))
}

func comparePre(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	}
	return cmp.Compare(a, b)
}

// Trap is a fault of some patch releases that costs data, or a cluster its way
// to the next minor.
type Trap struct {
	Minor, First, Last int    // 3.Minor.First to 3.Minor.Last have it
	Towards            int    // the minor whose upgrade fails; 0: nobody should run them at all
	What               string // what happens
	Source             string // who says so
}

// Cure is the first release without the trap.
func (t Trap) Cure() Version { return Version{Minor: t.Minor, Patch: t.Last + 1} }

// traps are etcd's own announcements and those prerequisites of its upgrade
// guides that name a patch.
var traps = []Trap{
	{
		Minor: 4, First: 20, Last: 21,
		What:   "members can come to hold different data, once auth is enabled and a member is added",
		Source: "https://groups.google.com/g/etcd-dev/c/8S7u6NqW6C4",
	},
	{
		Minor: 5, First: 0, Last: 2,
		What:   "members can come to hold different data, when one is killed under load",
		Source: "https://github.com/etcd-io/etcd/blob/main/Documentation/postmortems/v3.5-data-inconsistency.md",
	},
	{
		Minor: 5, First: 0, Last: 5,
		What:   "members can come to hold different data, when one is killed while it defragments",
		Source: "https://groups.google.com/g/etcd-dev/c/8S7u6NqW6C4",
	},
	{
		Minor: 5, First: 5, Last: 5,
		What:   "members can come to hold different data, once auth is enabled and a member is added",
		Source: "https://groups.google.com/g/etcd-dev/c/8S7u6NqW6C4",
	},
	{
		Minor: 5, First: 0, Last: 31, Towards: 6,
		What:   "members that were removed or promoted can come back as what they were, and the upgrade stops half way",
		Source: "https://etcd.io/docs/v3.6/upgrades/upgrade_3_6/",
	},
	{
		Minor: 6, First: 0, Last: 10, Towards: 7,
		What:   "it may not run beside members of 3.7, as it has to during the upgrade",
		Source: "https://etcd.io/docs/v3.7/upgrades/upgrade_3_7/",
	},
}

// Traps lists what is known against a release.
func Traps(v Version) []Trap {
	var found []Trap
	for _, t := range traps {
		if t.Minor == v.Minor && t.First <= v.Patch && v.Patch <= t.Last {
			found = append(found, t)
		}
	}
	return found
}

// TrapsTowards lists what is known against upgrades to a minor.
func TrapsTowards(minor int) []Trap {
	var found []Trap
	for _, t := range traps {
		if t.Towards == minor {
			found = append(found, t)
		}
	}
	return found
}

// trapTowards gives the newest cure of what is known against a release on the
// way to a minor; 0 is for what is known against it anywhere.
func trapTowards(v Version, minor int) (worst Trap, found bool) {
	for _, t := range Traps(v) {
		if t.Towards == minor && (!found || t.Last > worst.Last) {
			worst, found = t, true
		}
	}
	return worst, found
}

// NextHop gives the release that a cluster of one release has to run next on its
// way to another: the other itself, a minor in between, since etcd goes up and
// down by one minor at a time, or a newer patch of its own minor where the way
// up begins with a trap. from and to alike give to.
func NextHop(from, to Version) (Version, error) {
	if err := mayBecome(from, to); err != nil {
		return Version{}, err
	}
	step := cmp.Compare(to.Minor, from.Minor)
	if step == 0 {
		return to, nil
	}
	if t, found := trapTowards(from, from.Minor+1); found && step > 0 {
		return newerPatch(t), nil
	}
	next := from.Minor + step
	if next != to.Minor {
		r, _ := findRelease(next) // mayBecome has seen that it is known
		return r.Tested, nil
	}
	return to, nil
}

// newerPatch is the release of the minor that is tested, or the cure itself
// where none is.
func newerPatch(t Trap) Version {
	if r, ok := findRelease(t.Minor); ok && r.Tested.Patch > t.Last {
		return r.Tested
	}
	return t.Cure()
}

// mayBecome refuses ways that do not exist.
func mayBecome(from, to Version) error {
	known, isKnown := findRelease(from.Minor)
	_, wanted := findRelease(to.Minor)
	trap, trapped := trapTowards(to, 0)
	switch {
	case !isKnown:
		return fmt.Errorf("no way is known from etcd %s: restore a snapshot of it into a new cluster", from)
	case !wanted || to.Support() == Foreign:
		return fmt.Errorf("etcd %s can't be gone to: use one of %v", to, SupportedEtcd())
	case trapped && from != to:
		return fmt.Errorf("etcd %s must not be gone to: %s: take %s (%s)", to, trap.What, newerPatch(trap), trap.Source)
	case to.Minor < from.Minor && known.Support == Foreign, to.Minor < from.Minor && to.Minor < OldestMinor:
		return fmt.Errorf("etcd %s does not go back to %s: downgrades begin with etcd 3.6", from, to)
	}
	return nil
}

// UpgradePath lists the releases that a cluster runs one after the other on its
// way, without the first and with the last; none when it is there.
func UpgradePath(from, to Version) ([]Version, error) {
	var path []Version
	for at := from; at != to; {
		next, err := NextHop(at, to)
		if err != nil {
			return nil, err
		}
		path = append(path, next)
		at = next
	}
	return path, nil
}

// Precondition names something that has to be true of a cluster before its
// first member may take a hop.
type Precondition string

// The preconditions.
const (
	// NoV2Content: nothing was ever written by the v2 API.
	NoV2Content Precondition = "no-v2-content"
	// LogRewritten: no member's log holds entries that 3.5 made.
	LogRewritten Precondition = "log-rewritten"
	// DowngradeEnabled: all members wrote their data for the older minor.
	DowngradeEnabled Precondition = "downgrade-enabled"
)

// Demand is a precondition with its reason and its remedy.
type Demand struct {
	Precondition Precondition
	Why          string
	How          string // how it is brought about, and how it is seen
	// Unless names the minor that the cluster must have been founded with, or
	// a later one, for the demand not to matter; 0: it always matters.
	Unless int
}

// WithoutV2 is how a cluster of 3.5 gets rid of what the API v2 has written. A key that was
// deleted is in the log still, which 3.6 reads from the last snapshot on: of these 3.5
// makes one in 100,000 writes.
const WithoutV2 = "with etcd 3.5 and enable-v2 delete all keys of v2 (DELETE /v2/keys/…), then leave enable-v2 out, set snapshot-count to 5 " +
	"and write thirty keys, so that nothing of v2 is left in the log either"

// demands are what etcd's own checks find too late, by a member that ends.
var demands = []struct {
	from, to int
	Demand
}{
	{5, 6, Demand{
		Precondition: NoV2Content,
		Why:          "etcd 3.6 ends at once on content of the v2 API: `detected disallowed custom content in v2store`",
		How:          "`etcdutl check v2store`, which etcd 3.5 has and 3.6 has not, on a copy of each member's data tells; " + WithoutV2,
	}},
	{6, 7, Demand{
		Precondition: LogRewritten,
		Why:          "the first member of 3.7 ends with `unmarshal should never fail` as long as its log holds entries that 3.5 made, however long 3.6 has run",
		How: "with all members on 3.6: `downgrade enable 3.5`, wait for cluster version 3.5.0, `downgrade cancel`, wait for 3.6.0; " +
			LogRewrittenMetric + " has to have grown on every member, else once more",
		Unless: 6,
	}},
}

// LogRewrittenMetric counts a member's disk snapshots: each leaves older entries
// of the log behind.
const LogRewrittenMetric = "etcd_debugging_snap_save_total_duration_seconds_count"

// Demands lists what has to be true before a cluster takes a hop from one minor
// to the next, or to the one before. founded is the minor that it was founded
// with; 0 when nobody knows.
func Demands(from, to Version, founded int) []Demand {
	if to.Minor == from.Minor-1 {
		return []Demand{{
			Precondition: DowngradeEnabled,
			Why:          fmt.Sprintf("etcd 3.%d ends on data of 3.%d: `version is not supported`", to.Minor, from.Minor),
			How: fmt.Sprintf("`etcdctl downgrade enable 3.%d`, which succeeds at once, then wait until the storage version of every member is 3.%d.0; "+
				"if one does not follow within 15 s, `etcdctl downgrade cancel`", to.Minor, to.Minor),
		}}
	}
	var found []Demand
	for _, d := range demands {
		if d.from == from.Minor && d.to == to.Minor && (d.Unless == 0 || founded < d.Unless) {
			found = append(found, d.Demand)
		}
	}
	return found
}

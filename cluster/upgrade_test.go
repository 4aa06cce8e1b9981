package cluster_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

func read(t *testing.T, s string) cluster.Version {
	t.Helper()
	v, err := cluster.ReadVersion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheWayFromOneReleaseToAnother(t *testing.T) {
	for _, tt := range []struct{ from, to, want string }{
		{"3.7.3", "3.7.3", "[]"},
		{"3.7.0", "3.7.3", "[v3.7.3]"},
		{"3.7.3", "3.7.0", "[v3.7.0]"},
		{"3.6.16", "3.7.3", "[v3.7.3]"},
		{"3.6.10", "3.7.3", "[v3.6.16 v3.7.3]"}, // not beside 3.7
		{"3.6.11", "3.7.3", "[v3.7.3]"},
		{"3.5.35", "3.7.3", "[v3.6.16 v3.7.3]"},
		{"3.5.31", "3.7.1", "[v3.5.35 v3.6.16 v3.7.1]"}, // a trap first
		{"3.5.32", "3.6.12", "[v3.6.12]"},
		{"3.5.1", "3.5.35", "[v3.5.35]"},
		{"3.7.3", "3.5.35", "[v3.6.16 v3.5.35]"},
		{"3.7.3", "3.6.3", "[v3.6.3]"}, // a trap on the way up only
		{"3.4.23", "3.7.3", "[v3.5.35 v3.6.16 v3.7.3]"},
		{"3.4.20", "3.5.35", "[v3.5.35]"},
		{"3.7.3", "3.8.0-alpha.0", "[v3.8.0-alpha.0]"},
		{"3.5.35", "3.8.0-alpha.0", "[v3.6.16 v3.7.3 v3.8.0-alpha.0]"},
		{"3.8.0-alpha.0", "3.6.16", "[v3.7.3 v3.6.16]"},
		{"3.6.16", "3.5.1", "must not be gone to"},
		{"3.5.1", "3.5.1", "[]"},
		{"3.7.3", "3.5.5", "must not be gone to"},
		{"3.5.35", "3.4.23", "can't be gone to"},
		{"3.4.23", "3.4.20", "can't be gone to"},
		{"3.3.0", "3.7.3", "no way is known"},
		{"3.7.3", "3.9.0", "can't be gone to"},
	} {
		path, err := cluster.UpgradePath(read(t, tt.from), read(t, tt.to))
		got := fmt.Sprint(path)
		if err != nil {
			got = err.Error()
		}
		if got != tt.want && (err == nil || !strings.Contains(got, tt.want)) {
			t.Errorf("%s to %s: got %s, want %s", tt.from, tt.to, got, tt.want)
		}
	}
}

// TestEveryWayEndsAndGoesByOneMinor walks between all patches of all minors.
func TestEveryWayEndsAndGoesByOneMinor(t *testing.T) {
	var all []cluster.Version
	for _, r := range cluster.Releases() {
		for patch := range r.Tested.Patch + 1 {
			all = append(all, cluster.Version{Minor: r.Tested.Minor, Patch: patch, Pre: r.Tested.Pre})
		}
	}
	for _, from := range all {
		for _, to := range all {
			at := from
			path, err := cluster.UpgradePath(from, to)
			for _, next := range path {
				if d := next.Minor - at.Minor; d < -1 || d > 1 {
					t.Errorf("%s to %s: leaves a minor out between %s and %s", from, to, at, next)
				}
				if next != to && len(cluster.Traps(next)) > 0 {
					t.Errorf("%s to %s: goes by way of %s, which is a trap", from, to, next)
				}
				at = next
			}
			if err == nil && at != to {
				t.Errorf("%s to %s: ends at %s", from, to, at)
			}
		}
	}
}

func TestTraps(t *testing.T) {
	for release, want := range map[string]int{
		"3.4.19": 0, "3.4.20": 1, "3.4.22": 0,
		"3.5.0": 3, "3.5.2": 3, "3.5.3": 2, "3.5.5": 3, "3.5.6": 1, "3.5.31": 1, "3.5.32": 0,
		"3.6.10": 1, "3.6.11": 0, "3.7.0": 0,
	} {
		if got := cluster.Traps(read(t, release)); len(got) != want {
			t.Errorf("%s: got %v, want %d", release, got, want)
		}
	}
	for minor, tested := range cluster.KnownPatches {
		if got := cluster.Traps(tested); len(got) > 0 {
			t.Errorf("3.%d is tested with %s, which is a trap: %v", minor, tested, got)
		}
	}
}

func TestDemandsOfAHop(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		founded  int
		want     string
	}{
		{"3.5.35", "3.6.16", 5, "no-v2-content"},
		{"3.6.16", "3.7.3", 5, "log-rewritten"},
		{"3.6.16", "3.7.3", 0, "log-rewritten"}, // nobody knows
		{"3.6.16", "3.7.3", 6, ""},
		{"3.7.3", "3.8.0-alpha.0", 0, ""},
		{"3.7.3", "3.6.16", 7, "downgrade-enabled"},
		{"3.6.16", "3.5.35", 0, "downgrade-enabled"},
		{"3.6.15", "3.6.16", 0, ""},
	} {
		var got []string
		for _, d := range cluster.Demands(read(t, tt.from), read(t, tt.to), tt.founded) {
			got = append(got, string(d.Precondition))
			if d.Why == "" || d.How == "" {
				t.Errorf("%s has no reason or no remedy", d.Precondition)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s to %s, founded with %d: got %v, want %s", tt.from, tt.to, tt.founded, got, tt.want)
		}
	}
}

func TestReleasesAreOrdered(t *testing.T) {
	order := []string{"3.4.23", "3.5.9", "3.5.10", "3.6.0-rc.1", "3.6.0", "3.8.0-alpha.0", "3.8.0-beta.0", "3.8.0"}
	for i, a := range order {
		for j, b := range order {
			if got := read(t, a).Compare(read(t, b)); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%s and %s: got %d", a, b, got)
			}
		}
	}
}

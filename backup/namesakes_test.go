//go:build unix

package backup_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/member"
)

func TestEachClusterOfANameKeepsItsNewest(t *testing.T) {
	// A letter an hour, the oldest first: the ID of the cluster that a backup is of.
	for name, test := range map[string]struct {
		taken, want string
		keep        backup.Keep
	}{
		"one":                            {"aaaa", "..aa", backup.Keep{Last: 2}},
		"restored":                       {"aaabb", ".aabb", backup.Keep{Last: 1}},
		"restored, and brought back":     {"aabbbaaa", "...bb.aa", backup.Keep{Last: 2}},
		"restored twice":                 {"aaabbbccc", "..a.bb.cc", backup.Keep{Last: 2}},
		"two that take turns":            {"abababab", "..ababab", backup.Keep{Last: 3}},
		"two that take turns, by day":    {"ababab", "..abab", backup.Keep{Daily: 3}},
		"restored more often than known": {"abcdefghijklmn", "...defghijklmn", backup.Keep{Last: 1}},
		"nobody knows of which":          {"----", "...-", backup.Keep{Last: 1}},
	} {
		var all []backup.Found
		for i, id := range test.taken {
			m := backup.Metadata{Cluster: "orders", ClusterID: strings.Trim(string(id), "-"), Revision: int64(i), Time: noon.Add(time.Duration(i) * time.Minute)}
			all = append(all, backup.Found{Path: fmt.Sprint(i), Metadata: m})
		}
		slices.Reverse(all)
		got := []byte(test.taken)
		for _, f := range backup.Prunable(all, test.keep, "") {
			got[f.Metadata.Revision] = '.'
		}
		if string(got) != test.want {
			t.Errorf("%s: of %s stay %s, want %s", name, test.taken, got, test.want)
		}
	}
}

// Two clusters of one name that keep their backups in one place by mistake: each is backed
// up at its times, however lately the other was, and whoever looks is told.
func TestTwoClustersOfOneNameAreBothBackedUpAndTold(t *testing.T) {
	dir := t.TempDir()
	s, now := storeAt(t, dir), noon
	inAnHour := func(last time.Time) time.Time { return last.Add(time.Hour) }
	of := func(c *running) *backup.Runner {
		return &backup.Runner{
			Store: s, Request: request(), Next: inAnHour, Keep: backup.Keep{Last: 2},
			Now: func() time.Time { return now },
			Ask: func(context.Context) (*member.Client, func() error, error) {
				return c.client, func() error { return nil }, nil
			},
		}
	}
	one, other := start(t, []string{"a"}), start(t, []string{"b"})
	write(t, one.raw(t), 5, 10)
	write(t, other.raw(t), 20, 10)
	for range 4 {
		for _, c := range []*running{one, other} {
			if taken, err := of(c).Once(t.Context()); !taken || err != nil {
				t.Fatalf("taken is %v, with %v", taken, err)
			}
			if taken, err := of(c).Once(t.Context()); taken || err != nil {
				t.Errorf("taken is %v once more, with %v", taken, err)
			}
		}
		now = now.Add(time.Hour)
	}
	all, err := backup.List(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	kept, names := map[string]int{}, map[string]bool{}
	for _, f := range all {
		kept[f.Metadata.ClusterID]++
		names[strings.TrimSuffix(filepath.Base(f.Path), "-"+f.Metadata.ClusterID+backup.Extension)] = true
	}
	if len(all) != 4 || len(kept) != 2 || len(names) != 2 {
		t.Errorf("%v is kept, under %v, want two of each and one name an hour that their IDs tell apart", kept, names)
	}
	v, err := one.client.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, id := backup.Known(v)
	shared := (*backup.SharedError)(nil)
	if err := backup.Check(t.Context(), s, "orders", one.client.Look, inAnHour, now); !errors.As(err, &shared) || !slices.Contains(shared.IDs, id) || len(shared.IDs) != 2 {
		t.Errorf("who looks is told %v", err)
	}
}

// What has begun since all were listed is nothing that no backup leads to.
func TestPruneLeavesASegmentOfAClusterThatHasBegunMeanwhile(t *testing.T) {
	s := storeAt(t, t.TempDir())
	c := start(t, []string{"a"})
	r := &backup.Runner{
		Store: s, Request: request(), Now: func() time.Time { return noon }, Next: func(last time.Time) time.Time { return last },
		Ask: func(context.Context) (*member.Client, func() error, error) {
			return c.client, func() error { return nil }, nil
		},
	}
	if _, err := r.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := backup.List(t.Context(), s)
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	id := all[0].Metadata.ClusterID
	segment := func(id string, at time.Time) string {
		return fmt.Sprintf("orders-%s-%s-1-2.events.zst", at.Format("20060102T150405.000Z"), id)
	}
	begun, orphan, before := segment("beef", noon.Add(time.Second)), segment("dead", noon.Add(-time.Hour)), segment(id, noon.Add(-time.Second))
	for _, name := range []string{begun, orphan, before} {
		if err := os.WriteFile(filepath.Join(s.Place(""), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := backup.Delete(t.Context(), s, all, all); err != nil {
		t.Fatal(err)
	}
	left, err := s.List(t.Context())
	if diff := cmp.Diff([]backup.Stored{{Name: begun}}, left); err != nil || diff != "" {
		t.Errorf("%v (-want +left):\n%s", err, diff)
	}
}

package backup_test

import (
	"errors"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/backup"
)

// What is compacted by age goes by the newest point that is old enough, of this very
// cluster: nothing that is younger is forgotten, and revisions of another say nothing.
func TestTheRevisionOfAnAgeIsTheNewestThatIsOldEnough(t *testing.T) {
	noon := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	whole := func(id string, minutes int, revision int64) backup.Found {
		return backup.Found{Metadata: backup.Metadata{ClusterID: id, Time: noon.Add(time.Duration(minutes) * time.Minute), Revision: revision}}
	}
	changes := func(id string, minutes int, revision int64) backup.Segment {
		return backup.Segment{ClusterID: id, Time: noon.Add(time.Duration(minutes) * time.Minute), Revision: revision}
	}
	unread := whole("a", 0, 9999)
	unread.Err = errors.New("it is cut off")
	known := backup.Listing{
		Backups:  []backup.Found{whole("a", 60, 400), whole("a", 0, 100), whole("b", 10, 7000), unread},
		Segments: []backup.Segment{changes("a", 20, 200), changes("a", 40, 300), changes("b", 30, 8000)},
	}
	for minutes, want := range map[int]int64{0: 100, 19: 100, 20: 200, 39: 200, 59: 300, 60: 400, 600: 400, -1: 0} {
		revision, at, err := known.Before("a", noon.Add(time.Duration(minutes)*time.Minute))
		if revision != want || (want == 0) != errors.Is(err, backup.ErrUnknownAge) || at.After(noon.Add(time.Duration(minutes)*time.Minute)) {
			t.Errorf("after %d minutes: revision %d of %s, %v; want %d", minutes, revision, at, err, want)
		}
	}
}

package backup_test

import (
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/backup"
)

func TestAMomentIsATimeOrARevision(t *testing.T) {
	noon := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		at       string
		revision int64
		want     backup.Moment
	}{
		{"", 0, backup.Moment{}}, {"", 7, backup.Moment{Revision: 7}}, {"2026-11-28T12:00:00Z", 0, backup.Moment{Time: noon}},
	} {
		if got, err := backup.ReadMoment(test.at, test.revision); err != nil || got != test.want {
			t.Errorf("%q, %d: %+v, %v", test.at, test.revision, got, err)
		}
	}
	for _, wrong := range []struct {
		at       string
		revision int64
	}{{"noon", 0}, {"", -1}, {"2026-11-28T12:00:00Z", 7}} {
		if _, err := backup.ReadMoment(wrong.at, wrong.revision); err == nil {
			t.Errorf("%q, %d is a moment", wrong.at, wrong.revision)
		}
	}
}

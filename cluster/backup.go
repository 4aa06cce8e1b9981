package cluster

import (
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// BackupSpec is what a user wrote about backups.
type BackupSpec struct {
	// Destination is a folder, or s3://BUCKET/PREFIX.
	Destination string `key:"destination"`
	// Every is the time between two backups, Schedule their times as cron has
	// them; one of the two.
	Every    string `key:"every"`
	Schedule string `key:"schedule"`
	// Keep says which backups stay: all without it.
	Keep KeepSpec `key:"keep"`
	// Continuous, true or false, keeps what happens in between as well.
	Continuous string `key:"continuous"`
}

// KeepSpec is what a user wrote about backups that stay: how many of each.
type KeepSpec struct {
	Last    string `key:"last"`
	Hourly  string `key:"hourly"`
	Daily   string `key:"daily"`
	Weekly  string `key:"weekly"`
	Monthly string `key:"monthly"`
}

// Backup is what is to be backed up, when and where to.
type Backup struct {
	Destination string
	Keep        Keep
	Continuous  bool

	every time.Duration
	cron  cron.Schedule
}

// Keep is how many backups stay: the newest, and the newest of each of the last
// so many hours, days, weeks and months that have one. Zero: all.
type Keep struct{ Last, Hourly, Daily, Weekly, Monthly int }

// Next is when the backup is due that comes after one of a moment.
func (b *Backup) Next(after time.Time) time.Time {
	if b.cron != nil {
		return b.cron.Next(after)
	}
	return after.Add(b.every)
}

// DefaultBackupEvery is how often a cluster is backed up that has a destination
// and no times.
const DefaultBackupEvery = time.Hour

// Few and many backups: etcd's clients get slower answers during each.
const (
	leastBetweenBackups = time.Minute
	mostBetweenBackups  = 31 * 24 * time.Hour
)

// backup decides what is backed up; nil when nothing is.
func (r *resolver) backup() *Backup {
	s := r.spec.Backup
	if s == (BackupSpec{}) {
		return nil
	}
	b := &Backup{
		Destination: s.Destination,
		Continuous:  oneOf(r, "backup.continuous", s.Continuous, "false", "false", "true") == "true",
		every:       r.span("backup.every", s.Every, DefaultBackupEvery, leastBetweenBackups, mostBetweenBackups),
	}
	kind, _, hasKind := strings.Cut(s.Destination, "://")
	switch {
	case s.Destination == "":
		r.report("backup.destination", "is missing: name a folder, or s3://BUCKET/PREFIX")
	case hasKind && kind != "s3":
		r.report("backup.destination", "must be a folder or s3://BUCKET/PREFIX, not %q", s.Destination)
	}
	if s.Schedule != "" {
		if s.Every != "" {
			r.report("backup.schedule", "does not go together with every: keep one")
		}
		var err error
		if b.cron, err = cron.ParseStandard(s.Schedule); err != nil {
			r.report("backup.schedule", "must be five fields as cron has them, such as 30 3 * * *, not %q", s.Schedule)
		}
	}
	for _, k := range []struct {
		key, value string
		into       *int
	}{
		{"last", s.Keep.Last, &b.Keep.Last},
		{"hourly", s.Keep.Hourly, &b.Keep.Hourly},
		{"daily", s.Keep.Daily, &b.Keep.Daily},
		{"weekly", s.Keep.Weekly, &b.Keep.Weekly},
		{"monthly", s.Keep.Monthly, &b.Keep.Monthly},
	} {
		if k.value == "" {
			continue
		}
		n, err := strconv.Atoi(k.value)
		if err != nil || n < 1 {
			r.report("backup.keep."+k.key, "must be a number from 1 on, not %q", k.value)
		}
		*k.into = n
	}
	return b
}

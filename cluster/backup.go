package cluster

import (
	"cmp"
	"net"
	"regexp"
	"slices"
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
	// them, in UTC; one of the two.
	Every    string `key:"every"`
	Schedule string `key:"schedule"`
	// Keep says which backups stay: all without it.
	Keep KeepSpec `key:"keep"`
	// Continuous, true or false, keeps what happens in between as well.
	Continuous string `key:"continuous"`
	// Compression is fast or none, see Compression.
	Compression string `key:"compression"`
	// Encryption is whom backups are encrypted for: public keys of age's, such as
	// age1…, separated by commas or blanks.
	Encryption string `key:"encryption"`
	// Service, true or false, has a service of the cluster's own take them.
	Service string `key:"service"`
	// MetricsPort is the port that Prometheus asks whoever takes them at.
	MetricsPort string `key:"metrics-port"`
}

// Compression is how the data in an archive is compressed.
type Compression string

// The ways of compressing.
const (
	CompressFast Compression = "fast"
	CompressNone Compression = "none"
)

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
	// Stored says that backups are not compressed.
	Stored bool
	// Encryption are the public keys that backups are encrypted for; none: they are not.
	Encryption []string
	// Service says that a service of the cluster's own takes them. One that spans
	// machines has none.
	Service bool
	// Identity says that whoever takes them has a certificate, and a user where there
	// are users, of its own: such a service, or a unit of systemd.
	Identity bool
	// MetricsPort is the port that Prometheus asks whoever takes them at; 0: none was
	// chosen.
	MetricsPort int

	every time.Duration
	cron  cron.Schedule
}

// Keep is how many backups stay: the newest, and the newest of each of the last
// so many hours, days, weeks and months that have one. Zero: all.
type Keep struct{ Last, Hourly, Daily, Weekly, Monthly int }

// Next is when the backup is due that comes after one of a moment. A schedule is in
// UTC, as the times of backups are, so that no hour comes twice or is skipped.
func (b *Backup) Next(after time.Time) time.Time {
	if b.cron != nil {
		return b.cron.Next(after.UTC())
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

// BackupName is the service that takes the backups, its certificate and its user.
const BackupName = "backup"

// What that service is told in its environment.
const (
	BackupSpecVariable        = "ETCDCTR_BACKUP_SPEC"        // the text of the Spec
	BackupMembersVariable     = "ETCDCTR_BACKUP_MEMBERS"     // NAME=URL,…
	BackupCertsVariable       = "ETCDCTR_BACKUP_CERTS"       // the folder of its certificate; empty without
	BackupDestinationVariable = "ETCDCTR_BACKUP_DESTINATION" // as it sees it
	BackupMetricsVariable     = "ETCDCTR_BACKUP_METRICS"     // a file to write them to; may be empty
	BackupListenVariable      = "ETCDCTR_BACKUP_LISTEN"      // an address to tell them at; may be empty
)

// InFolder reports whether backups go into a folder.
func (b *Backup) InFolder() bool { return !NamesService(b.Destination) }

// BackupMetrics is where whoever takes the backups tells Prometheus of them, as a host
// and a port: to whoever is on the network of members in containers, else to this machine
// at the port that was chosen. Empty where it only writes a file.
func (c *Cluster) BackupMetrics() string {
	b := c.Backup
	switch {
	case b == nil || !b.Identity:
		return ""
	case c.BackupContained():
		return net.JoinHostPort(BackupName, strconv.Itoa(cmp.Or(b.MetricsPort, MetricsPort)))
	case b.MetricsPort != 0:
		return net.JoinHostPort(loopback.String(), strconv.Itoa(b.MetricsPort))
	}
	return ""
}

// BackupContained tells that the service which takes the backups is in a container beside
// the members.
func (c *Cluster) BackupContained() bool {
	return c.Backup != nil && c.Backup.Service && len(c.Members) > 0 && inContainers(c)
}

// backupListen is BackupMetrics as it is listened at.
func (c *Cluster) backupListen() string {
	at := c.BackupMetrics()
	if c.BackupContained() {
		_, port, _ := strings.Cut(at, ":")
		return ":" + port
	}
	return at
}

// BackupVariables are the environment of the service that takes the backups, for
// which the destination and the certificates are where it is told.
func (c *Cluster) BackupVariables(destination, certsDir string) []Variable {
	var members []string
	for _, m := range c.Members {
		members = append(members, m.Name+"="+m.ClientURL())
	}
	all := []Variable{
		{BackupSpecVariable, c.Spec.Text()},
		{BackupMembersVariable, strings.Join(members, ",")},
		{BackupDestinationVariable, destination},
	}
	if c.TLS == Mutual {
		all = append(all, Variable{BackupCertsVariable, certsDir})
	}
	if at := c.backupListen(); at != "" {
		all = append(all, Variable{BackupListenVariable, at})
	}
	return all
}

// InBucket gives what a destination of backups says behind s3://, and whether it is one of
// those.
func InBucket(destination string) (where string, is bool) {
	return strings.CutPrefix(destination, "s3://")
}

// serviceName begins with what nobody calls a folder: the scheme of a URL, spelt right or
// not. That of one letter is a drive.
var serviceName = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]+:/|[sS]3:)`)

// NamesService tells a destination of backups that is meant for a service elsewhere, whether
// there is one of that kind or not, from a folder.
func NamesService(destination string) bool { return serviceName.MatchString(destination) }

// backup decides what is backed up; nil when nothing is.
func (r *resolver) backup() *Backup {
	s := r.spec.Backup
	if s == (BackupSpec{}) {
		return nil
	}
	b := &Backup{
		Destination: s.Destination,
		Continuous:  yes(r, "backup.continuous", s.Continuous, false),
		Stored:      choose[Compression](r, "backup.compression", s.Compression) == CompressNone,
		Service:     yes(r, "backup.service", s.Service, true),
		Encryption:  r.publicKeys("backup.encryption", s.Encryption),
		every:       r.span("backup.every", s.Every, DefaultBackupEvery, leastBetweenBackups, mostBetweenBackups),
	}
	b.Identity = b.Service
	b.MetricsPort = r.backupMetricsPort(s.MetricsPort)
	switch _, bucket := InBucket(s.Destination); {
	case s.Destination == "":
		r.report("backup.destination", "is missing: name a folder, or s3://BUCKET/PREFIX")
	case NamesService(s.Destination) && !bucket:
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

// backupMetricsPort is 0 where none is chosen.
func (r *resolver) backupMetricsPort(text string) int {
	if text == "" {
		return 0
	}
	port, err := strconv.Atoi(text)
	if err != nil || port < 1 || port > 65535 {
		r.report("backup.metrics-port", "must be a port from 1 to 65535, not %q", text)
		return 0
	}
	return port
}

// backupPorts refuses a port that a member of the same machine has.
func (r *resolver) backupPorts(c *Cluster) {
	if c.Backup == nil || c.Backup.MetricsPort == 0 || inContainers(c) {
		return
	}
	for _, m := range c.Members {
		if p := m.Place; slices.Contains([]int{p.ClientPort, p.PeerPort, p.MetricsPort}, c.Backup.MetricsPort) {
			r.report("backup.metrics-port", "%d is a port of %s too: take another", c.Backup.MetricsPort, m.Name)
		}
	}
}

// publicKey is one of age's (https://age-encryption.org/v1), classic or post-quantum:
// in Bech32, which has neither 1, b, i nor o behind its first part.
var publicKey = regexp.MustCompile(`^age1(pq1)?[02-9ac-hj-np-z]{58,}$`)

// Recipients are the public keys that backups are encrypted for, as they were written.
func (s BackupSpec) Recipients() []string { return words(s.Encryption) }

func words(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' })
}

func (r *resolver) publicKeys(key, text string) []string {
	keys := words(text)
	for _, k := range keys {
		if !publicKey.MatchString(k) {
			r.report(key, "must be public keys as age-keygen writes them, age1…, not %q", k)
		}
	}
	if quantum := func(k string) bool { return strings.HasPrefix(k, "age1pq1") }; slices.ContainsFunc(keys, quantum) &&
		slices.ContainsFunc(keys, func(k string) bool { return !quantum(k) }) {
		r.report(key, "must be public keys of one kind: age encrypts nothing for age1… and age1pq1… together")
	}
	return keys
}

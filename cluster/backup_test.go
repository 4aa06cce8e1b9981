package cluster_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestBackupsAreDueAtTheirTimes(t *testing.T) {
	noon := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	tests := map[string]time.Time{
		"backup: {destination: /backups}":                           noon.Add(time.Hour),
		"backup: {destination: /backups, every: 15m}":               noon.Add(15 * time.Minute),
		`backup: {destination: "s3://b/p", schedule: "30 3 * * *"}`: time.Date(2026, 11, 29, 3, 30, 0, 0, time.UTC),
	}
	for file, want := range tests {
		spec, err := cluster.Load("etcdctr.yaml", []byte(file))
		if err != nil {
			t.Fatal(err)
		}
		c, err := cluster.Resolve(spec, cluster.InContainers)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Backup.Next(noon); !got.Equal(want) {
			t.Errorf("%s: the next is due at %s, want %s", file, got, want)
		}
		again, err := cluster.Load("again", []byte(spec.Text()))
		if diff := cmp.Diff(spec.Backup, again.Backup); err != nil || diff != "" {
			t.Errorf("%s is written as another (-read +written): %v\n%s", file, err, diff)
		}
	}
}

// In a zone of its own half past three would be another moment, and on two days a year
// none or two.
func TestASchedulesHoursAreThoseOfUTC(t *testing.T) {
	spec, err := cluster.Load("etcdctr.yaml", []byte(`backup: {destination: /backups, schedule: "30 3 * * *"}`))
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Resolve(spec, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	want := time.Date(2026, 11, 29, 3, 30, 0, 0, time.UTC)
	if got := c.Backup.Next(noon.In(time.FixedZone("there", 5*60*60))); !got.Equal(want) {
		t.Errorf("the next is due at %s, want %s", got, want)
	}
}

func TestMistakesOfBackupsAreToldAtOnce(t *testing.T) {
	_, err := cluster.Load("etcdctr.yaml", []byte(`
backup:
  every: 1s
  schedule: at noon
  continuous: perhaps
  keep: {last: -1, monthly: many}
  retention: 3
  metrics-port: 70000
`))
	const want = `etcdctr.yaml:2: backup.destination: is missing: name a folder, or s3://BUCKET/PREFIX
etcdctr.yaml:3: backup.every: must be from 1m0s to 744h0m0s, not 1s
etcdctr.yaml:4: backup.schedule: does not go together with every: keep one
etcdctr.yaml:4: backup.schedule: must be five fields as cron has them, such as 30 3 * * *, not "at noon"
etcdctr.yaml:5: backup.continuous: must be false or true, not "perhaps"
etcdctr.yaml:6: backup.keep.last: must be a number from 1 on, not "-1"
etcdctr.yaml:6: backup.keep.monthly: must be a number from 1 on, not "many"
etcdctr.yaml:7: backup.retention: is not a known key: known are destination, every, schedule, keep, continuous, compression, encryption, service, metrics-port
etcdctr.yaml:8: backup.metrics-port: must be a port from 1 to 65535, not "70000"`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// age gives up on a list of both kinds, which would be at the first backup.
func TestBackupsAreEncryptedForKeysOfOneKind(t *testing.T) {
	classic, quantum := "age1"+strings.Repeat("q", 58), "age1pq1"+strings.Repeat("q", 1952)
	for keys, right := range map[string]bool{
		classic: true, quantum: true, classic + "," + classic: true, quantum + " " + quantum: true,
		classic + "," + quantum: false, quantum + " " + classic: false,
	} {
		spec := cluster.Spec{Backup: cluster.BackupSpec{Destination: "/backups", Encryption: keys}}
		if err := cluster.Check(spec); (err == nil) != right {
			t.Errorf("%.20s…: %v", keys, err)
		}
	}
}

// A bucket that is misspelt is no folder, and a folder of the cluster file's own may have any
// other name.
func TestADestinationThatIsMeantForABucketIsNoFolder(t *testing.T) {
	for destination, right := range map[string]bool{
		"nope": true, "a/b": true, "/backups": true, `C:\backups`: true, "s3://b/p": true,
		"s3:/b/p": false, "s3:b": false, "S3://b": false, "minio://b": false, "file:/b": false,
	} {
		spec := cluster.Spec{Backup: cluster.BackupSpec{Destination: destination}}
		spec.Locate("/here")
		if err := cluster.Check(spec); (err == nil) != right {
			t.Errorf("%s: %v", destination, err)
		}
	}
}

// Where Prometheus asks for them depends on who takes them.
func TestWhereBackupsAreToldOf(t *testing.T) {
	for name, test := range map[string]struct {
		file                string
		place               cluster.Placement
		want, listens, more string
	}{
		"a container":             {"backup: {destination: /backups}", cluster.InContainers, "backup:2381", ":2381", ""},
		"a container and a port":  {"backup: {destination: /backups, metrics-port: 9000}", cluster.InContainers, "backup:9000", ":9000", ""},
		"a process":               {"backup: {destination: /backups}", cluster.InProcesses("", ""), "", "", ""},
		"a process and a port":    {"backup: {destination: /backups, metrics-port: 9000}", cluster.InProcesses("", ""), "127.0.0.1:9000", "127.0.0.1:9000", ""},
		"a unit and a port":       {"backup: {destination: /backups, metrics-port: 9000}", cluster.UnderSystemd, "127.0.0.1:9000", "127.0.0.1:9000", ""},
		"a member's port":         {"backup: {destination: /backups, metrics-port: 2380}", cluster.InProcesses("", ""), "", "", "backup.metrics-port: 2380 is a port of etcd1 too: take another"},
		"a port in its container": {"backup: {destination: /backups, metrics-port: 2380}", cluster.InContainers, "backup:2380", ":2380", ""},
		"by themselves":           {"backup: {destination: /backups, service: false}", cluster.InContainers, "", "", ""},
		"none":                    {"name: orders", cluster.InContainers, "", "", ""},
	} {
		spec, err := cluster.Load("etcdctr.yaml", []byte(test.file))
		if err != nil {
			t.Fatal(err)
		}
		c, err := cluster.Resolve(spec, test.place)
		if test.more != "" || err != nil {
			if err == nil || !strings.HasSuffix(err.Error(), test.more) || test.more == "" {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		listens := ""
		for _, v := range c.BackupVariables("/backups", "") {
			if v.Name == cluster.BackupListenVariable {
				listens = v.Value
			}
		}
		if got := c.BackupMetrics(); got != test.want || listens != test.listens && c.Backup != nil {
			t.Errorf("%s: they are at %q and listen at %q, want %q and %q", name, got, listens, test.want, test.listens)
		}
	}
}

// One that is called otherwise than its file, such as a rehearsal, would write among the
// backups of the one that the file is about.
func TestBackupsAreThoseOfTheNameInTheFile(t *testing.T) {
	const backups = "backup: {destination: /backups}\n"
	for _, c := range []struct{ file, name, of, to string }{
		{"name: orders\n" + backups, "rehearsal", "orders", ""},
		{"name: orders\n" + backups, "orders", "", "/backups"},
		{backups, "orders", "", "/backups"},
		{"name: orders\n", "rehearsal", "", ""},
	} {
		named := spec(t, c.file, map[string]string{"name": c.name})
		if got := named.BackupsOf(); got != c.of || named.Backup.Destination != c.to {
			t.Errorf("%q called %s: backups of %q to %q, want of %q to %q", c.file, c.name, got, named.Backup.Destination, c.of, c.to)
		}
		want, err := cluster.Resolve(named, cluster.InContainers)
		if err != nil {
			t.Fatal(err)
		}
		if said := len(want.Warnings) > 0; said != (c.of != "") {
			t.Errorf("%q called %s: warnings %v", c.file, c.name, want.Warnings)
		}
	}
}

// Whoever writes the key expects backups, and a service of one machine has no way to all.
func TestWhereNoServiceTakesBackupsIsSaid(t *testing.T) {
	const (
		alone    = ""
		machines = "members: [{name: etcd1, host: 192.0.2.1}, {name: etcd2, host: 192.0.2.2}, {name: etcd3, host: 192.0.2.3}]\n"
		swarm    = "runtime: swarm\nmembers: [{name: etcd1, node: one}, {name: etcd2, node: two}, {name: etcd3, node: three}]\n"
	)
	for _, test := range []struct {
		file, service string
		warns         bool
	}{
		{alone, "", false}, {machines, "", true}, {swarm, "", true}, {machines, ", service: false", false}, {swarm, ", service: false", false},
	} {
		spec, err := cluster.Load("etcdctr.yaml", []byte(test.file+"backup: {destination: /backups"+test.service+"}\n"))
		if err != nil {
			t.Fatal(err)
		}
		c, err := cluster.Resolve(spec, cluster.InContainers)
		if err != nil {
			t.Fatal(err)
		}
		told := slices.ContainsFunc(c.Warnings, func(p cluster.Problem) bool { return strings.Contains(p.Message, "`etcdctr backup run` takes them") })
		if told != test.warns || c.Backup.Service != (test.file == alone) {
			t.Errorf("%s%s: warnings %v, with a service: %t", test.file, test.service, c.Warnings, c.Backup.Service)
		}
	}
}

package monitoring

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/etcdctr/etcdctr/cluster"
)

// job is the name that Prometheus knows the members by, and backupJob whoever takes their
// backups.
const job, backupJob = "etcd", "etcd-backup"

// Severity tells how soon somebody has to look.
type Severity string

// The severities.
const (
	Critical Severity = "critical" // writes have stopped, or will within minutes
	Warning  Severity = "warning"  // one more fault and they stop, or clients notice already
	Notice   Severity = "info"     // worth a look on a working day
)

// Alert is a rule that fires.
type Alert struct {
	Name     string
	Expr     string // PromQL; each series of the result is an alert
	For      string // how long it has to hold, in Prometheus' form
	Severity Severity
	Summary  string // what is the matter, with Prometheus' templates
	Do       string // the first thing to do about it
	from, to int    // minors that it is right for; 0: all
}

func (a Alert) fits(v cluster.Version) bool {
	return v.Minor >= a.from && (a.to == 0 || v.Minor <= a.to)
}

// Record is a rule that gives an expression a name.
type Record struct{ Name, Expr string }

// Records are the recording rules, of any release: those that alerts and panels go
// by.
var Records = []Record{
	{"etcd:wal_fsync_seconds:p99", quantile("0.99", "etcd_disk_wal_fsync_duration_seconds", "cluster, instance")},
	{"etcd:backend_commit_seconds:p99", quantile("0.99", "etcd_disk_backend_commit_duration_seconds", "cluster, instance")},
	{"etcd:peer_round_trip_seconds:p99", quantile("0.99", "etcd_network_peer_round_trip_time_seconds", "cluster, instance, To")},
	{"etcd:db_of_quota:ratio", `etcd_mvcc_db_total_size_in_bytes{job="etcd"} / etcd_server_quota_backend_bytes{job="etcd"}`},
	{"etcd:db_in_use:ratio", `etcd_mvcc_db_total_size_in_use_in_bytes{job="etcd"} / etcd_mvcc_db_total_size_in_bytes{job="etcd"}`},
	{"etcd:members:up", `sum by (cluster) (up{job="etcd"})`},
	{"etcd:members:known", `count by (cluster) (up{job="etcd"})`},
}

func quantile(q, histogram, by string) string {
	return fmt.Sprintf(`histogram_quantile(%s, sum by (%s, le) (rate(%s_bucket{job="etcd"}[5m])))`, q, by, histogram)
}

// alerts are all of them, the gravest first.
var alerts = []Alert{
	{
		Name: "EtcdNotScraped", Expr: `absent(up{job="etcd"})`, For: "5m", Severity: Critical,
		Summary: "Prometheus knows no member of etcd", Do: "compare its configuration with `etcdctr monitoring print --for prometheus`",
	},
	{
		Name: "EtcdNoQuorum", Expr: `etcd:members:up <= etcd:members:known / 2`, For: "30s", Severity: Critical,
		Summary: "{{ $labels.cluster }}: only {{ $value }} of its members answer: nothing can be written",
		Do:      "etcdctr doctor",
	},
	{
		Name: "EtcdNoLeader", Expr: `etcd_server_has_leader{job="etcd"} == 0`, For: "1m", Severity: Critical,
		Summary: "{{ $labels.cluster }}: {{ $labels.member }} sees no leader", Do: "etcdctr doctor",
	},
	{
		Name: "EtcdSeveralLeaders", Expr: `sum by (cluster) (etcd_server_is_leader{job="etcd"}) > 1`, For: "1m", Severity: Critical,
		Summary: "{{ $labels.cluster }}: {{ $value }} leaders: these members are several clusters", Do: "etcdctr health",
	},
	{
		Name: "EtcdDatabaseFull", Expr: `etcd:db_of_quota:ratio > 0.95`, For: "1m", Severity: Critical,
		Summary: "{{ $labels.cluster }}: the database of {{ $labels.member }} takes {{ $value | humanizePercentage }} of its quota: beyond it nothing can be written",
		Do:      "etcdctr compact",
	},
	{
		Name: "EtcdMemberDown", Expr: `up{job="etcd"} == 0`, For: "1m", Severity: Warning,
		Summary: "{{ $labels.cluster }}: {{ $labels.member }} does not answer", Do: "etcdctr doctor",
	},
	{
		Name: "EtcdNoReserve", Expr: `etcd:members:up == floor(etcd:members:known / 2) + 1 and etcd:members:known > 2`, For: "1m", Severity: Warning,
		Summary: "{{ $labels.cluster }}: {{ $value }} members answer: without one more nothing can be written", Do: "etcdctr doctor",
	},
	{
		Name: "EtcdDatabaseNearlyFull", Expr: `etcd:db_of_quota:ratio > 0.8`, For: "5m", Severity: Warning,
		Summary: "{{ $labels.cluster }}: the database of {{ $labels.member }} takes {{ $value | humanizePercentage }} of its quota", Do: "etcdctr compact",
	},
	{
		Name: "EtcdLeaderChanges", Expr: `max by (cluster) (increase(etcd_server_leader_changes_seen_total{job="etcd"}[15m])) > 3`, For: "1m", Severity: Warning,
		Summary: "{{ $labels.cluster }}: the leader changed {{ $value | humanize }} times within a quarter of an hour",
		Do:      "look at etcd:wal_fsync_seconds:p99 and etcd:peer_round_trip_seconds:p99, and at `etcdctr logs --level warn`",
	},
	{
		Name: "EtcdProposalsFail", Expr: `max by (cluster) (increase(etcd_server_proposals_failed_total{job="etcd"}[15m])) > 5`, For: "1m", Severity: Warning,
		Summary: "{{ $labels.cluster }}: {{ $value | humanize }} writes failed within a quarter of an hour", Do: "etcdctr doctor",
	},
	{
		// A read that waits in vain for a leader counts as slow, and not as failed.
		Name: "EtcdReadsFail", For: "1m", Severity: Warning,
		Expr:    `increase(etcd_server_read_indexes_failed_total{job="etcd"}[5m]) + increase(etcd_server_slow_read_indexes_total{job="etcd"}[5m]) > 5`,
		Summary: "{{ $labels.cluster }}: {{ $labels.member }} could not answer {{ $value | humanize }} reads within five minutes", Do: "etcdctr doctor",
	},
	{
		Name: "EtcdDiskSlow", Expr: `etcd:wal_fsync_seconds:p99 > 0.5`, For: "10m", Severity: Warning,
		Summary: "{{ $labels.cluster }}: one in a hundred writes to the log of {{ $labels.instance }} takes {{ $value | humanizeDuration }}",
		Do:      "give etcd a disk of its own, or a faster one",
	},
	{
		Name: "EtcdCommitSlow", Expr: `etcd:backend_commit_seconds:p99 > 0.5`, For: "10m", Severity: Warning,
		Summary: "{{ $labels.cluster }}: one in a hundred commits of {{ $labels.instance }} takes {{ $value | humanizeDuration }}",
		Do:      "give etcd a disk of its own, or a faster one",
	},
	{
		Name: "EtcdPeerSlow", Expr: `etcd:peer_round_trip_seconds:p99 > 0.15`, For: "10m", Severity: Warning,
		Summary: "{{ $labels.cluster }}: from {{ $labels.instance }} to the member {{ $labels.To }} it takes {{ $value | humanizeDuration }}",
		Do:      "look at the network between them; where it is as it has to be, raise heartbeat-interval and election-timeout",
	},
	{
		Name: "EtcdHeartbeatsLate", Expr: `increase(etcd_server_heartbeat_send_failures_total{job="etcd"}[5m]) > 10`, For: "5m", Severity: Warning,
		Summary: "{{ $labels.cluster }}: {{ $labels.member }} leads and sent {{ $value | humanize }} heartbeats too late", Do: "see whether its disk or its processor is the bottleneck",
	},
	{
		Name: "EtcdAppliesSlowly", Expr: `etcd_server_proposals_committed_total{job="etcd"} - etcd_server_proposals_applied_total{job="etcd"} > 1000`, For: "5m", Severity: Warning,
		Summary: "{{ $labels.cluster }}: {{ $labels.member }} is {{ $value }} changes behind what it has agreed to", Do: "see whether its disk or its processor is the bottleneck",
	},
	{
		Name: "EtcdRequestsSlow", Expr: `rate(etcd_server_slow_apply_total{job="etcd"}[5m]) > 1`, For: "10m", Severity: Warning,
		Summary: "{{ $labels.cluster }}: {{ $labels.member }} applies {{ $value | humanize }} requests a second that take too long", Do: "etcdctr logs --grep 'took too long'",
	},
	{
		Name: "EtcdRequestsTakeSeconds", from: 7, For: "10m", Severity: Warning,
		Expr:    `histogram_quantile(0.99, sum by (cluster, instance, type, le) (rate(etcd_server_request_duration_seconds_bucket{job="etcd"}[5m]))) > 1`,
		Summary: "{{ $labels.cluster }}: one in a hundred requests {{ $labels.type }} to {{ $labels.instance }} takes {{ $value | humanizeDuration }}", Do: "etcdctr logs --grep 'took too long'",
	},
	{
		Name: "EtcdRequestsTakeSeconds", from: 6, to: 6, For: "10m", Severity: Warning,
		Expr:    `histogram_quantile(0.99, sum by (cluster, instance, le) (rate(etcd_server_range_duration_seconds_bucket{job="etcd"}[5m]))) > 1`,
		Summary: "{{ $labels.cluster }}: one in a hundred reads of {{ $labels.instance }} takes {{ $value | humanizeDuration }}", Do: "etcdctr logs --grep 'took too long'",
	},
	{
		Name: "EtcdPeerLost", from: 6, For: "2m", Severity: Warning,
		Expr:    `sum by (cluster, instance, member) (etcd_network_known_peers{job="etcd"}) - 1 - sum by (cluster, instance, member) (etcd_network_active_peers{job="etcd"}) > 0`,
		Summary: "{{ $labels.cluster }}: {{ $labels.member }} has no connection to {{ $value }} of its peers", Do: "etcdctr doctor",
	},
	{
		Name: "EtcdPeerLost", to: 5, For: "2m", Severity: Warning,
		Expr:    `(etcd:members:known - 1) - on (cluster) group_right () sum by (cluster, instance, member) (etcd_network_active_peers{job="etcd"}) > 0`,
		Summary: "{{ $labels.cluster }}: {{ $labels.member }} has no connection to {{ $value }} of its peers", Do: "etcdctr doctor",
	},
	{
		Name: "EtcdRestarts", Expr: `changes(process_start_time_seconds{job="etcd"}[15m]) > 2`, For: "1m", Severity: Warning,
		Summary: "{{ $labels.cluster }}: {{ $labels.member }} started {{ $value }} times within a quarter of an hour", Do: "etcdctr doctor",
	},
	{
		Name: "EtcdFilesRunOut", Expr: `process_open_fds{job="etcd"} / process_max_fds{job="etcd"} > 0.8`, For: "10m", Severity: Warning,
		Summary: "{{ $labels.cluster }}: {{ $labels.member }} has opened {{ $value | humanizePercentage }} of the files and connections that it may", Do: "raise the limit, or see which client opens so many",
	},
	{
		// By whoever takes the backups, or by a file that it has left.
		Name: "EtcdBackupMissed", Expr: `time() - etcdctr_backup_next_due_timestamp_seconds > 300`, For: "1m", Severity: Warning,
		Summary: "{{ $labels.cluster }}: a backup has been due for {{ $value | humanizeDuration }}", Do: "etcdctr health, and etcdctr logs backup",
	},
	{
		Name: "EtcdBackupFails", Expr: `etcdctr_backup_failing == 1`, For: "5m", Severity: Warning,
		Summary: "{{ $labels.cluster }}: backups fail", Do: "etcdctr logs backup",
	},
	{
		Name: "EtcdBackupNotScraped", Expr: `up{job="etcd-backup"} == 0`, For: "5m", Severity: Warning,
		Summary: "{{ $labels.cluster }}: nobody tells of its backups", Do: "etcdctr ps, and etcdctr logs backup",
	},
	{
		Name: "EtcdLearnerStays", Expr: `etcd_server_is_learner{job="etcd"} == 1`, For: "1h", Severity: Notice,
		Summary: "{{ $labels.cluster }}: {{ $labels.member }} still has no vote", Do: "etcdctr up",
	},
	{
		Name: "EtcdDatabaseFragmented", Expr: `etcd:db_in_use:ratio < 0.5 and etcd_mvcc_db_total_size_in_bytes{job="etcd"} > 100000000`, For: "1h", Severity: Notice,
		Summary: "{{ $labels.cluster }}: {{ $labels.member }} uses {{ $value | humanizePercentage }} of its file", Do: "etcdctr defrag",
	},
	{
		Name: "EtcdReleasesDiffer", Expr: `count by (cluster) (count by (cluster, server_version) (etcd_server_version{job="etcd"})) > 1`, For: "6h", Severity: Notice,
		Summary: "{{ $labels.cluster }}: members of {{ $value }} releases", Do: "etcdctr up",
	},
}

// Alerts are those that are right for a release, the gravest first.
func Alerts(v cluster.Version) []Alert {
	var fit []Alert
	for _, a := range alerts {
		if a.fits(v) {
			fit = append(fit, a)
		}
	}
	return fit
}

// Rules renders recording rules and alerts as a rule file of Prometheus.
func Rules(v cluster.Version) ([]byte, error) {
	var records, alarms []any
	for _, r := range Records {
		records = append(records, struct {
			Record string `yaml:"record"`
			Expr   string `yaml:"expr"`
		}{r.Name, r.Expr})
	}
	for _, a := range Alerts(v) {
		alarms = append(alarms, struct {
			Alert       string            `yaml:"alert"`
			Expr        string            `yaml:"expr"`
			For         string            `yaml:"for"`
			Labels      map[string]string `yaml:"labels"`
			Annotations map[string]string `yaml:"annotations"`
		}{a.Name, a.Expr, a.For, map[string]string{"severity": string(a.Severity)}, map[string]string{"summary": a.Summary, "do": a.Do}})
	}
	type group struct {
		Name  string `yaml:"name"`
		Rules []any  `yaml:"rules"`
	}
	head := fmt.Sprintf("Rules for etcd 3.%d, made by etcdctr. Other releases name some metrics otherwise.", v.Minor)
	return marshal(head, map[string]any{"groups": []group{{"etcd-records", records}, {"etcd-alerts", alarms}}})
}

// marshal renders YAML under a comment.
func marshal(head string, value any) ([]byte, error) {
	var b bytes.Buffer
	for line := range strings.Lines(head) {
		b.WriteString("# " + line)
	}
	b.WriteString("\n")
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return b.Bytes(), e.Close()
}

package monitoring

import "github.com/etcdctr/etcdctr/cluster"

// Panel is a picture on the dashboard: one question, and what answers it.
type Panel struct {
	Title   string
	Kind    string // of Grafana: timeseries or stat
	Unit    string // as Grafana calls it
	Help    string
	Queries []Query
}

// Query is a line of a panel, or one for each series.
type Query struct {
	Expr   string // PromQL, with $cluster for the cluster's name and $__rate_interval
	Legend string
}

// Row is a group of panels.
type Row struct {
	Title  string
	Panels []Panel
}

const (
	of        = `{job="etcd", cluster="$cluster"}`
	ofBackups = `{cluster="$cluster"}`
	perRate   = `[$__rate_interval]`
)

func percentile(q, histogram, by string) string {
	return `histogram_quantile(` + q + `, sum by (` + by + `, le) (rate(` + histogram + `_bucket` + of + perRate + `)))`
}

func rate(counter string) string { return `rate(` + counter + of + perRate + `)` }

// both are the median and what one in a hundred exceeds.
func both(histogram, by, legend string) []Query {
	return []Query{
		{percentile("0.99", histogram, by), legend + " p99"},
		{percentile("0.5", histogram, by), legend + " p50"},
	}
}

// Rows are the dashboard for a release: each panel has data there, on a cluster
// that was written to and read from.
func Rows(v cluster.Version) []Row {
	return []Row{
		{"At a glance", []Panel{
			{"Members that answer", "stat", "none", "", []Query{{`sum(up` + of + `)`, ""}}},
			{"Leader", "stat", "none", "The member that leads. None, and nothing is written.", []Query{{`max by (member) (etcd_server_is_leader` + of + `) == 1`, "{{member}}"}}},
			{"Leader changes within an hour", "stat", "none", "", []Query{{`max(increase(etcd_server_leader_changes_seen_total` + of + `[1h]))`, ""}}},
			{"Database of its quota", "stat", "percentunit", "At 100 % nothing more is written.", []Query{{`max(etcd_mvcc_db_total_size_in_bytes` + of + ` / etcd_server_quota_backend_bytes` + of + `)`, ""}}},
			{"Release", "stat", "none", "", []Query{{`count by (server_version) (etcd_server_version` + of + `)`, "{{server_version}}"}}},
			{"Keys", "stat", "short", "", []Query{{`max(etcd_debugging_mvcc_keys_total` + of + `)`, ""}}},
		}},
		{"Requests", []Panel{
			{"Requests a second", "timeseries", "reqps", "Of clients, by what they ask.", []Query{{`sum by (grpc_method) (rate(grpc_server_handled_total{job="etcd", cluster="$cluster", grpc_type="unary"}[$__rate_interval])) > 0`, "{{grpc_method}}"}}},
			latency(v),
			{"Requests that failed, a second", "timeseries", "reqps", "Without watches and leases kept alive, whose end by their client counts as a failure.", []Query{{`sum(rate(grpc_server_handled_total{job="etcd", cluster="$cluster", grpc_type="unary", grpc_code!="OK"}[$__rate_interval])) or vector(0)`, "failed"}}},
			{"Slow requests a second", "timeseries", "reqps", "Applied more slowly than etcd finds right: see etcdctr logs --grep 'took too long'.", []Query{{rate("etcd_server_slow_apply_total"), "{{member}}"}}},
			{"Watchers", "timeseries", "none", "", []Query{{`etcd_debugging_mvcc_watcher_total` + of, "{{member}}"}}},
			{"Traffic of clients", "timeseries", "Bps", "", []Query{
				{rate("etcd_network_client_grpc_sent_bytes_total"), "{{member}} out"},
				{rate("etcd_network_client_grpc_received_bytes_total"), "{{member}} in"},
			}},
		}},
		{"Agreement", []Panel{
			{"Proposals a second", "timeseries", "ops", "What members agreed on, and what failed.", []Query{
				{`max(` + rate("etcd_server_proposals_committed_total") + `)`, "committed"},
				{`sum(` + rate("etcd_server_proposals_failed_total") + `)`, "failed"},
			}},
			{"Proposals pending", "timeseries", "none", "", []Query{{`etcd_server_proposals_pending` + of, "{{member}}"}}},
			{"Leader changes seen", "timeseries", "none", "", []Query{{`etcd_server_leader_changes_seen_total` + of, "{{member}}"}}},
			{"Round trips between members", "timeseries", "s", "", []Query{{percentile("0.99", "etcd_network_peer_round_trip_time_seconds", "member, To"), "{{member}} to {{To}} p99"}}},
			{"Heartbeats sent too late, a second", "timeseries", "ops", "By a leader whose disk or processor does not keep up.", []Query{{rate("etcd_server_heartbeat_send_failures_total"), "{{member}}"}}},
			{"Behind what was agreed to", "timeseries", "none", "Changes that a member has still to apply.", []Query{{`etcd_server_proposals_committed_total` + of + ` - etcd_server_proposals_applied_total` + of, "{{member}}"}}},
		}},
		{"Disk", []Panel{
			{"Writing the log (fsync)", "timeseries", "s", "On a disk that is fast enough p99 is below 10 ms.", both("etcd_disk_wal_fsync_duration_seconds", "member", "{{member}}")},
			{"Commits of the database", "timeseries", "s", "On a disk that is fast enough p99 is below 25 ms.", both("etcd_disk_backend_commit_duration_seconds", "member", "{{member}}")},
			{"Database", "timeseries", "bytes", "The file, what of it is in use, and the quota.", []Query{
				{`etcd_mvcc_db_total_size_in_bytes` + of, "{{member}} file"},
				{`etcd_mvcc_db_total_size_in_use_in_bytes` + of, "{{member}} in use"},
				{`min(etcd_server_quota_backend_bytes` + of + `)`, "quota"},
			}},
		}},
		{"Backups", []Panel{
			{"Age of the newest backup", "stat", "s", "By whoever takes them, see `backup:` in the cluster file.", []Query{{`time() - max(etcdctr_backup_last_success_timestamp_seconds` + ofBackups + `)`, ""}}},
			{"Backups fail", "stat", "none", "1 where what was tried last failed.", []Query{{`max(etcdctr_backup_failing` + ofBackups + `)`, ""}}},
			{"Size of the newest backup", "stat", "bytes", "Of its database.", []Query{{`max(etcdctr_backup_last_size_bytes` + ofBackups + `)`, ""}}},
			{"Revision", "timeseries", "none", "What members have, and up to where it is kept.", []Query{
				{`max(etcd_debugging_mvcc_current_revision` + of + `)`, "the members'"},
				{`max(etcdctr_backup_last_revision` + ofBackups + `)`, "in the newest backup"},
				{`max(etcdctr_backup_followed_revision` + ofBackups + `)`, "with the changes after it"},
			}},
		}},
		{"Processes", []Panel{
			{"Processors", "timeseries", "percentunit", "1 is one core.", []Query{{rate("process_cpu_seconds_total"), "{{member}}"}}},
			{"Memory", "timeseries", "bytes", "", []Query{{`process_resident_memory_bytes` + of, "{{member}}"}}},
			{"Files and connections", "timeseries", "none", "", []Query{{`process_open_fds` + of, "{{member}}"}}},
		}},
	}
}

// latency is how long requests take, as far as a release tells it without the
// setting metrics: extensive.
func latency(v cluster.Version) Panel {
	p := Panel{Title: "How long requests take", Kind: "timeseries", Unit: "s"}
	switch {
	case v.Minor >= 7:
		p.Help, p.Queries = "By kind, from the request to its answer.", both("etcd_server_request_duration_seconds", "type", "{{type}}")
	case v.Minor == 6:
		p.Help = "Reads, and how long it takes to apply any request. With metrics: extensive etcd tells grpc_server_handling_seconds too."
		p.Queries = append(both("etcd_server_range_duration_seconds", "member", "{{member}} reads"), percentileOfApply())
	default:
		p.Help = "How long it takes to apply a request: 3.5 tells no more. With metrics: extensive there is grpc_server_handling_seconds."
		p.Queries = []Query{percentileOfApply()}
	}
	return p
}

func percentileOfApply() Query {
	return Query{percentile("0.99", "etcd_server_apply_duration_seconds", "op"), "apply {{op}} p99"}
}

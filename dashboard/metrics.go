package dashboard

import (
	"bufio"
	"bytes"
	"cmp"
	"io"
	"math"
	"slices"
	"strconv"
)

// reading is what a member's metrics say at a moment: sums over all but the labels
// that matter here.
type reading struct {
	values     map[string]float64   // counters and gauges, by what is asked of them
	histograms map[string]histogram // by what is asked of them
}

// histogram are counts of what took at most so long, as Prometheus has them.
type histogram map[float64]float64

// asked is a metric that is read: with a label, only samples with one of its values.
type asked struct {
	metric []byte
	label  []byte // such as `type="Put"`; nil for all
	as     string
}

func ask(metric, as string, labels ...string) []asked {
	if len(labels) == 0 {
		return []asked{{[]byte(metric), nil, as}}
	}
	var all []asked
	for _, l := range labels {
		all = append(all, asked{[]byte(metric), []byte(l), as})
	}
	return all
}

// What is read of /metrics. Where releases name a thing otherwise, the names follow
// each other, and those are taken that are there.
var (
	valuesAsked = slices.Concat(
		ask("etcd_server_has_leader", "has leader"),
		ask("etcd_server_is_leader", "is leader"),
		ask("etcd_mvcc_db_total_size_in_bytes", "file"),
		ask("etcd_mvcc_db_total_size_in_use_in_bytes", "in use"),
		ask("etcd_server_quota_backend_bytes", "quota"),
		ask("etcd_server_proposals_committed_total", "committed"),
		ask("etcd_server_slow_apply_total", "slow"),
		ask("etcd_debugging_mvcc_watcher_total", "watchers"),
		ask("grpc_server_handled_total", "requests", `grpc_type="unary"`),
		ask("process_open_fds", "connections"),
		ask("process_resident_memory_bytes", "memory"),
		ask("process_cpu_seconds_total", "cpu"),
		ask("process_start_time_seconds", "started"),
	)
	histogramsAsked = slices.Concat(
		ask("etcd_disk_wal_fsync_duration_seconds", "fsync"),
		ask("etcd_network_peer_round_trip_time_seconds", "peers"),
		ask("etcd_server_request_duration_seconds", "writes", `type="Put"`, `type="Txn"`, `type="DeleteRange"`),
		ask("etcd_server_request_duration_seconds", "reads", `type="Range"`),
		ask("etcd_server_range_duration_seconds", "ranges"),
		ask("etcd_server_apply_duration_seconds", "applies", `op="Put"`, `op="Txn"`, `op="DeleteRange"`),
	)
)

// read reads the text format. A member says thousands of lines: those that nobody
// asked for are passed over without being taken apart.
func read(text io.Reader) (reading, error) {
	r := reading{map[string]float64{}, map[string]histogram{}}
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		name, labels, value, ok := split(line)
		if !ok {
			continue
		}
		if of, found := bytes.CutSuffix(name, []byte("_bucket")); found {
			for _, a := range histogramsAsked {
				if bytes.Equal(a.metric, of) && a.wants(labels) {
					r.bucket(a.as, labels, value)
				}
			}
			continue
		}
		for _, a := range valuesAsked {
			if bytes.Equal(a.metric, name) && a.wants(labels) {
				r.values[a.as] += value
			}
		}
	}
	return r, lines.Err()
}

func (a asked) wants(labels []byte) bool { return a.label == nil || bytes.Contains(labels, a.label) }

// split takes a sample apart: name, labels with their braces, value.
func split(line []byte) (name, labels []byte, value float64, ok bool) {
	end := bytes.LastIndexByte(line, ' ')
	if end < 0 {
		return nil, nil, 0, false
	}
	value, err := strconv.ParseFloat(string(line[end+1:]), 64)
	name = line[:end]
	if brace := bytes.IndexByte(name, '{'); brace >= 0 {
		name, labels = name[:brace], name[brace:]
	}
	return name, labels, value, err == nil
}

func (r reading) bucket(as string, labels []byte, value float64) {
	_, rest, _ := bytes.Cut(labels, []byte(`le="`))
	text, _, _ := bytes.Cut(rest, []byte(`"`))
	bound, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return
	}
	if r.histograms[as] == nil {
		r.histograms[as] = histogram{}
	}
	r.histograms[as][bound] += value
}

// since gives what came since another reading; what began anew counts from zero.
func (h histogram) since(before histogram) histogram {
	all := math.Inf(1)
	if h[all] < before[all] {
		before = nil
	}
	grown := make(histogram, len(h))
	for bound, count := range h {
		grown[bound] = count - before[bound]
	}
	return grown
}

// quantile estimates what the share q stays below, in the way of Prometheus: within
// a bucket all are spread evenly. It is NaN where nothing was counted.
func (h histogram) quantile(q float64) float64 {
	total := h[math.Inf(1)]
	if total <= 0 {
		return math.NaN()
	}
	type bucket struct{ bound, count float64 }
	var buckets []bucket
	for bound, count := range h {
		buckets = append(buckets, bucket{bound, count})
	}
	slices.SortFunc(buckets, func(a, b bucket) int { return cmp.Compare(a.bound, b.bound) })
	rank, below, from := q*total, 0.0, 0.0
	for _, b := range buckets {
		if b.count >= rank {
			if math.IsInf(b.bound, 1) {
				return from
			}
			if b.count == below {
				return b.bound
			}
			return from + (b.bound-from)*(rank-below)/(b.count-below)
		}
		below, from = b.count, b.bound
	}
	return from
}

package monitoring

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/etcdctr/etcdctr/cluster"
)

var update = flag.Bool("update", false, "rewrite the page")

func releases(t *testing.T) []cluster.Version {
	t.Helper()
	var all []cluster.Version
	for _, minor := range slices.Sorted(maps.Keys(cluster.KnownPatches)) {
		if len(Exported(minor)) == 0 {
			t.Fatalf("the metrics of 3.%d are not known: run `make metrics`", minor)
		}
		all = append(all, cluster.KnownPatches[minor])
	}
	return all
}

// A metric that a release does not have is answered with silence, which looks like
// health.
func TestAlertsAndPanelsAskForWhatTheReleaseHas(t *testing.T) {
	for _, v := range releases(t) {
		for _, r := range Records {
			wantMetrics(t, v, r.Name, r.Expr)
		}
		for _, a := range Alerts(v) {
			wantMetrics(t, v, a.Name, a.Expr)
		}
		for _, row := range Rows(v) {
			for _, p := range row.Panels {
				for _, q := range p.Queries {
					wantMetrics(t, v, p.Title, q.Expr)
				}
			}
		}
	}
}

func wantMetrics(t *testing.T, v cluster.Version, who, expr string) {
	t.Helper()
	for _, name := range metricsOf(withoutLabels(expr)) {
		m, ok := find(v.Minor, name)
		if !ok || m.When == Extensive {
			t.Errorf("%s: %s asks for %s, which is there %q (known: %v)", v, who, name, m.When, ok)
		}
	}
}

// withoutLabels takes the names of labels away, which look like those of metrics.
func withoutLabels(expr string) string {
	return strings.NewReplacer("grpc_method", "", "grpc_type", "", "grpc_code", "").Replace(expr)
}

func TestEveryReleaseHasEachAlertOnceAndTwoThatDiffer(t *testing.T) {
	names := map[string]bool{}
	for _, a := range alerts {
		names[a.Name] = true
	}
	for _, v := range releases(t) {
		seen := map[string]int{}
		for _, a := range Alerts(v) {
			seen[a.Name]++
			if a.Summary == "" || a.Do == "" || a.For == "" || a.Severity == "" {
				t.Errorf("%s is incomplete", a.Name)
			}
		}
		for name := range names {
			if unmeasured := name == "EtcdRequestsTakeSeconds" && v.Minor == 5; seen[name] != 1 && !unmeasured {
				t.Errorf("%s has %s %d times", v, name, seen[name])
			}
		}
	}
}

func TestFilesAreWhatTheirProgramsRead(t *testing.T) {
	for _, v := range releases(t) {
		rules, errRules := Rules(v)
		board, errBoard := Grafana(v)
		if errRules != nil || errBoard != nil {
			t.Fatal(errRules, errBoard)
		}
		var read struct {
			Groups []struct{ Rules []map[string]any }
		}
		if err := yaml.Unmarshal(rules, &read); err != nil || len(read.Groups[1].Rules) != len(Alerts(v)) {
			t.Errorf("%v, %d groups", err, len(read.Groups))
		}
		if !json.Valid(board) {
			t.Error("the dashboard is no JSON")
		}
	}
}

func TestPrometheusIsToldWhereMembersAreAndWhatToShow(t *testing.T) {
	for name, test := range map[string]struct {
		spec  cluster.Spec
		place cluster.Placement
		want  []string
	}{
		"containers": {cluster.Spec{Name: "orders"}, cluster.InContainers, []string{
			"scheme: https", "ca_file: /certs/ca.crt", "cert_file: /certs/tls.crt", "key_file: /certs/tls.key", "- etcd1:2379", "cluster: orders", "- rules.yml",
		}},
		"a port of their own": {cluster.Spec{ListenMetricsURLs: "http://0.0.0.0:2381"}, cluster.InContainers, []string{"scheme: http\n", "- etcd3:2381"}},
		"plain text":          {cluster.Spec{TLS: "none"}, cluster.InContainers, []string{"scheme: http\n", "- etcd1:2379"}},
		"backups": {cluster.Spec{Name: "orders", Backup: cluster.BackupSpec{Destination: "/backups"}}, cluster.InContainers, []string{
			"- job_name: etcd-backup\n    honor_labels: true\n    scheme: https\n", "- backup:2381", "cluster: orders",
		}},
		"backups in plain text": {cluster.Spec{TLS: "none", Backup: cluster.BackupSpec{Destination: "/backups"}}, cluster.InContainers, []string{
			"- job_name: etcd-backup\n    honor_labels: true\n    scheme: http\n", "- backup:2381",
		}},
		"backups of processes": {cluster.Spec{Backup: cluster.BackupSpec{Destination: "/backups", MetricsPort: "9000"}}, cluster.InProcesses("", ""), []string{
			"- job_name: etcd-backup\n    honor_labels: true\n    scheme: http\n", "- 127.0.0.1:9000",
		}},
		"auto TLS": {cluster.Spec{TLS: "auto"}, cluster.InContainers, []string{"scheme: https", "insecure_skip_verify: true"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := cluster.Resolve(test.spec, test.place)
			if err != nil {
				t.Fatal(err)
			}
			files := Files{Certificate: "/certs/", Rules: "rules.yml"}
			data, err := Prometheus(c, files)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if !strings.Contains(string(data), want) {
					t.Errorf("%q is not in\n%s", want, data)
				}
			}
			if ByCertificate(c) != strings.Contains(string(data), "cert_file") {
				t.Errorf("ByCertificate: %v\n%s", ByCertificate(c), data)
			}
			other, err := OpenTelemetry(c, files)
			if err != nil || !strings.Contains(string(other), "scrape_configs") {
				t.Errorf("%v\n%s", err, other)
			}
		})
	}
}

func TestAPrometheusOfTheHostAsksAtPublishedPorts(t *testing.T) {
	spec := cluster.Spec{Publish: "loopback", ListenMetricsURLs: "http://0.0.0.0:2381", Backup: cluster.BackupSpec{Destination: "/backups"}}
	c, err := cluster.Resolve(spec, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	data, err := Prometheus(c, Files{Certificate: "/certs", OnHost: true})
	if err != nil || !Published(c) || len(InNetwork(c)) != len(c.Members) {
		t.Fatalf("published: %v, in the network: %v, %v", Published(c), InNetwork(c), err)
	}
	for _, want := range []string{"scheme: https", "- 127.0.0.1:2379", "- 127.0.0.1:2579", "cert_file: /certs/tls.crt"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%q is not in\n%s", want, data)
		}
	}
	for _, bad := range []string{"etcd1:", "2381", "backup:"} {
		if strings.Contains(string(data), bad) {
			t.Errorf("%q is in\n%s", bad, data)
		}
	}
}

func TestEveryAlertIsOnItsPage(t *testing.T) {
	page, err := os.ReadFile("../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range alerts {
		if !strings.Contains(string(page), "`"+a.Name+"`") {
			t.Errorf("docs/monitoring.md does not have %s", a.Name)
		}
	}
}

// TestPage holds docs/metrics.md to the tables.
func TestPage(t *testing.T) {
	const page = "../docs/metrics.md"
	want := metricsPage()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s differs from the tables; run `make docs`:\n%s", page, diff)
	}
}

func metricsPage() string {
	var b strings.Builder
	b.WriteString(`# Metrics by release

What etcd exports at ` + "`/metrics`" + `, read from the programs by ` + "`make metrics`" + `: a metric is
listed once it has a sample. *later* needs something to happen first, such as a
failure; *extensive* needs the setting ` + "`metrics: extensive`" + `. Kinds are those that etcd
declares; some are wrong (see [what etcd does](behaviour/metrics.md)).

`)
	minors := Minors()
	b.WriteString("| metric | kind | labels |")
	for _, m := range minors {
		fmt.Fprintf(&b, " 3.%d |", m)
	}
	b.WriteString(" asked for by |\n|---|---|---|" + strings.Repeat("---|", len(minors)+1) + "\n")
	all, users := map[string]Metric{}, map[string]map[string]bool{}
	for _, minor := range minors {
		for _, m := range Exported(minor) {
			if own := strings.HasPrefix(m.Name, "etcd_") || strings.HasPrefix(m.Name, "grpc_"); own {
				all[m.Name] = m
			}
		}
		v := cluster.KnownPatches[minor]
		for _, a := range Alerts(v) {
			note(users, a.Name, a.Expr)
		}
		for _, row := range Rows(v) {
			for _, p := range row.Panels {
				for _, q := range p.Queries {
					note(users, "“"+p.Title+"”", q.Expr)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "| `%s` | %s | %s |", name, all[name].Kind, strings.Join(all[name].Labels, ", "))
		for _, minor := range minors {
			m, ok := find(minor, name)
			switch {
			case !ok:
				b.WriteString(" - |")
			case m.When == Always:
				b.WriteString(" yes |")
			default:
				fmt.Fprintf(&b, " %s |", m.When)
			}
		}
		fmt.Fprintf(&b, " %s |\n", strings.Join(slices.Sorted(maps.Keys(users[name])), ", "))
	}
	return b.String()
}

// note writes down who asks for metrics, also by way of a record.
func note(users map[string]map[string]bool, who, expr string) {
	for _, r := range Records {
		if strings.Contains(expr, r.Name) {
			expr += " " + r.Expr
		}
	}
	for _, name := range metricsOf(withoutLabels(expr)) {
		if users[name] == nil {
			users[name] = map[string]bool{}
		}
		users[name][who] = true
	}
}

// A watch, or a lease that is kept alive, ends when its client is done, which etcd counts as
// Canceled or Unavailable.
func TestRequestsThatFailedAreNotStreamsThatEnded(t *testing.T) {
	for _, v := range releases(t) {
		asked := 0
		for _, row := range Rows(v) {
			for _, panel := range row.Panels {
				for _, q := range panel.Queries {
					if !strings.Contains(q.Expr, "grpc_code") {
						continue
					}
					if asked++; !strings.Contains(q.Expr, `grpc_type="unary"`) {
						t.Errorf("%s: %s counts streams: %s", v, panel.Title, q.Expr)
					}
				}
			}
		}
		if asked == 0 {
			t.Errorf("%s: no panel shows what failed", v)
		}
	}
}

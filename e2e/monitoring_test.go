//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/monitoring"
)

// Prometheus' own tests of rules: each alert fires where it is meant to, and no
// other does.
func TestEveryAlertFiresAndTheOthersAreQuiet(t *testing.T) {
	for minor, v := range cluster.KnownPatches {
		t.Run(v.String(), func(t *testing.T) {
			rules, err := monitoring.Rules(v)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "rules.yml"), string(rules))
			run(t, dir, "promtool", "check", "rules", "rules.yml")
			for _, name := range []string{"all.yml", fmt.Sprintf("3.%d.yml", minor)} {
				tests := readFile(t, filepath.Join("../monitoring/testdata/alerts", name))
				writeFile(t, filepath.Join(dir, name), tests)
				run(t, dir, "promtool", "test", "rules", name)
				rules = append(rules, tests...)
			}
			for _, a := range monitoring.Alerts(v) {
				if !strings.Contains(string(rules), `alertname="`+a.Name+`"`) {
					t.Errorf("%s is not provoked", a.Name)
				}
			}
		})
	}
}

// A real Prometheus reads what `monitoring print` writes, of members of each
// release.
func TestPrometheusSeesMembersOfEachRelease(t *testing.T) {
	for minor, v := range cluster.KnownPatches {
		t.Run(v.String(), func(t *testing.T) {
			l := newLocal(t)
			program := filepath.Dir(filepath.Dir(etcdBinary(t, minor, "etcd"))) + "/{minor}/etcd"
			writeFile(t, filepath.Join(l.dir, "etcdctr.yaml"), fmt.Sprintf("etcd: %q\nruntime: process\netcd-binary: %s\nquota-backend-bytes: 32MiB\nbackup: {destination: backups, continuous: true, metrics-port: %d}\n", v, program, freePorts(t, 1)[0]))
			l.etcdctr("up", "--detach")
			p := startPrometheus(l)
			l.whileUsed(func() { p.wantData(v) }) // a rate is one of what happens between two looks
			p.wantAlerts()

			l.etcdctr("stop", "etcd1")
			p.wantAlerts("EtcdMemberDown", "EtcdNoReserve", "EtcdPeerLost")
			l.etcdctr("start", "etcd1")
			p.wantAlerts()

			l.fill()
			p.wantAlerts("EtcdDatabaseFull", "EtcdDatabaseNearlyFull")
			l.etcdctr("stop", "etcd1", "etcd2")
			p.may = []string{"EtcdDatabaseFull", "EtcdLeaderChanges"} // by how full the one that stays is, and how often they have elected
			p.wantAlerts("EtcdBackupFails", "EtcdDatabaseNearlyFull", "EtcdMemberDown", "EtcdNoLeader", "EtcdNoQuorum", "EtcdPeerLost")
		})
	}
}

// use has members do what clients ask of them.
func (l *local) use() {
	l.t.Helper()
	for range 5 {
		l.etcdctr("etcdctl", "put", "key", "value")
		l.etcdctr("etcdctl", "get", "key")
	}
}

// whileUsed has members go on doing what clients ask of them.
func (l *local) whileUsed(do func()) {
	l.t.Helper()
	enough := make(chan struct{})
	var client sync.WaitGroup
	client.Go(func() {
		for {
			select {
			case <-enough:
				return
			default:
			}
			for _, args := range [][]string{{"put", "key", "value"}, {"get", "key"}} {
				if out, err := l.try(append([]string{"etcdctl"}, args...)...); err != nil {
					l.t.Errorf("%v: %s %v", args, out, err)
					return
				}
			}
		}
	})
	do()
	close(enough)
	client.Wait()
}

// fill writes until the database is full.
func (l *local) fill() {
	l.t.Helper()
	const megabyte = 1 << 20
	for i := range 40 {
		put := l.command(etcdctrBinary(l.t), "etcdctl", "put", fmt.Sprint("fill", i))
		put.Stdin = strings.NewReader(strings.Repeat("x", megabyte))
		if out, err := output(put, l.dir); err != nil {
			if !strings.Contains(out+err.Error(), "database space exceeded") {
				l.t.Fatal(out, err)
			}
			return
		}
	}
	l.t.Fatal("the database is not full")
}

// prometheus is a running one.
type prometheus struct {
	t   *testing.T
	url string
	may []string // alerts that are not asked about
}

// startPrometheus starts one on the files that `monitoring print` writes. It looks
// every second, and does not wait minutes until an alert counts.
func startPrometheus(l *local) *prometheus {
	l.t.Helper()
	config := l.etcdctr("monitoring", "print", "--for", "prometheus", "--rules-path", "rules.yml")
	rules := l.etcdctr("monitoring", "print", "--for", "rules")
	return runPrometheus(l.t, l.dir, regexp.MustCompile(`_interval: 15s`).ReplaceAllString(config, "_interval: 1s"), rules)
}

// runPrometheus starts one in a folder. An alert counts once it has been there for
// two seconds.
func runPrometheus(t *testing.T, dir, config, rules string) *prometheus {
	t.Helper()
	writeFile(t, filepath.Join(dir, "prometheus.yml"), config)
	writeFile(t, filepath.Join(dir, "rules.yml"), regexp.MustCompile(`for: \w+\n`).ReplaceAllString(rules, "for: 2s\n"))
	run(t, dir, "promtool", "check", "config", "prometheus.yml")
	address := fmt.Sprintf("127.0.0.1:%d", freePorts(t, 1)[0])
	cmd := exec.Command("prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb", "--web.listen-address="+address, "--log.level=warn")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	return &prometheus{t: t, url: "http://" + address}
}

// get asks Prometheus' API.
func (p *prometheus) get(path string, data any) error {
	answer, err := http.Get(p.url + path)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	var envelope struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.Unmarshal(text, &envelope); err != nil || envelope.Status != "success" {
		return fmt.Errorf("%s: %w %s", path, err, text)
	}
	return json.Unmarshal(envelope.Data, data)
}

// query tells how many series an expression has that are numbers.
func (p *prometheus) query(expr string) (int, error) {
	var found struct {
		Result []struct{ Value []any }
	}
	err := p.get("/api/v1/query?query="+url.QueryEscape(expr), &found)
	numbers := slices.DeleteFunc(found.Result, func(x struct{ Value []any }) bool { return x.Value[1] == "NaN" })
	return len(numbers), err
}

// wantData wants each panel and record to have something to show.
func (p *prometheus) wantData(v cluster.Version) {
	p.t.Helper()
	variables := strings.NewReplacer("$cluster", "etcd", "$__rate_interval", "1m")
	want := map[string]string{}
	for _, row := range monitoring.Rows(v) {
		for _, panel := range row.Panels {
			for i, q := range panel.Queries {
				want[fmt.Sprint(panel.Title, i)] = variables.Replace(q.Expr)
			}
		}
	}
	for _, r := range monitoring.Records {
		want[r.Name] = r.Name
	}
	for who, expr := range want {
		eventually(p.t, who+" to have data", func() error {
			n, err := p.query(expr)
			if err == nil && n == 0 {
				err = fmt.Errorf("nothing for %s", expr)
			}
			return err
		})
	}
}

// wantAlerts wants exactly these to fire, and to go on.
func (p *prometheus) wantAlerts(names ...string) {
	p.t.Helper()
	if names == nil {
		names = []string{}
	}
	same := 0
	eventually(p.t, fmt.Sprintf("the alerts %q", names), func() error {
		firing, err := p.firing()
		if err != nil {
			return err
		}
		firing = slices.DeleteFunc(firing, func(name string) bool { return slices.Contains(p.may, name) })
		if !slices.Equal(firing, names) {
			same = 0
			return fmt.Errorf("%q fire", firing)
		}
		if same++; same < 50 { // for five seconds, and as many evaluations
			return fmt.Errorf("%q fire so far", firing)
		}
		return nil
	})
}

// firing are the alerts that fire, each once.
func (p *prometheus) firing() ([]string, error) {
	var found struct {
		Alerts []struct {
			State  string
			Labels map[string]string
		}
	}
	if err := p.get("/api/v1/alerts", &found); err != nil {
		return nil, err
	}
	firing := []string{}
	for _, a := range found.Alerts {
		if a.State == "firing" {
			firing = append(firing, a.Labels["alertname"])
		}
	}
	slices.Sort(firing)
	return slices.Compact(firing), nil
}

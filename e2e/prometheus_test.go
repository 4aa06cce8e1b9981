//go:build e2e && linux

package e2e

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/cluster"
)

// The Prometheus that a stack brings along.

// prometheusImage gives an image of Debian's Prometheus, and the libraries that it is
// linked with, in the layout of the official one.
func prometheusImage(t *testing.T) string {
	t.Helper()
	return must(t, func() (string, error) {
		program, err := exec.LookPath("prometheus")
		if err != nil {
			return "", err
		}
		linked, err := exec.Command("ldd", program).Output()
		if err != nil {
			return "", fmt.Errorf("ldd %s: %w", program, err)
		}
		dockerfile, files := "FROM scratch\nCOPY prometheus /bin/prometheus\n", []string{program}
		for _, library := range regexp.MustCompile(`/\S+`).FindAllString(string(linked), -1) {
			dockerfile += fmt.Sprintf("COPY %s %s\n", filepath.Base(library), library)
			files = append(files, library)
		}
		return build("prometheus:v2", dockerfile+"WORKDIR /prometheus\nUSER 65534:65534\nVOLUME /prometheus\nEXPOSE 9090\n"+
			`ENTRYPOINT ["/bin/prometheus"]`+"\n", files...)
	})
}

// monitored writes a cluster file with a Prometheus, and gives the members' endpoints
// and the Prometheus.
func (s *stack) monitored(more string) ([]string, *prometheus) {
	s.t.Helper()
	port := freePorts(s.t, 1)[0]
	endpoints := s.publish(fmt.Sprintf("monitoring: true\nprometheus-image: %s\nprometheus-port: %d\n%s", prometheusImage(s.t), port, more))
	return endpoints, &prometheus{t: s.t, url: fmt.Sprintf("http://127.0.0.1:%d", port)}
}

// wantScraped wants so many members to be scraped, and all of them well.
func (p *prometheus) wantScraped(n int) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("%d members to be scraped", n), func() error {
		var found struct {
			ActiveTargets []struct{ Health, LastError, ScrapeURL string }
		}
		if err := p.get("/api/v1/targets", &found); err != nil {
			return err
		}
		for _, target := range found.ActiveTargets {
			if target.Health != "up" {
				return fmt.Errorf("%+v", target)
			}
		}
		if len(found.ActiveTargets) != n {
			return fmt.Errorf("%d targets", len(found.ActiveTargets))
		}
		return nil
	})
}

// wantRules wants the rules to be those of a release.
func (p *prometheus) wantRules(what string, there bool) {
	p.t.Helper()
	eventually(p.t, "the rules to ask for "+what, func() error {
		answer, err := http.Get(p.url + "/api/v1/rules")
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err == nil && strings.Contains(string(text), what) != there {
			err = errors.New("they are others")
		}
		return err
	})
}

func TestUpBringsPrometheusAlong(t *testing.T) {
	s := newStack(t)
	endpoints, p := s.monitored("auth: {enabled: true}\n")
	s.etcdctr("up")
	p.wantScraped(3)
	p.wantAlerts()
	if out := s.etcdctr("ps"); !regexp.MustCompile(`prometheus .*prometheus:v2 +running`).MatchString(out) {
		t.Errorf("ps:\n%s", out)
	}
	if out, code := s.verdict("verify", "--image", s.ref); code != 0 || !regexp.MustCompile(`prometheus +published ports +127\.0\.0\.1:\d+->9090`).MatchString(out) {
		t.Errorf("verify ends with %d:\n%s", code, out)
	}
	wantReadsMetricsAlone(t, s, endpoints)

	before := s.containers()
	s.etcdctr("up")
	s.generate()
	s.compose("up", "--detach", "--wait")
	s.wantUntouched(before, "a second up, and docker compose up")

	// Another version of this program may write other rules.
	writeFile(t, filepath.Join(s.dir, "monitoring", s.name, "rules.yml"), "groups: []\n")
	s.etcdctr("up")
	s.wantUntouched(before, "an up that writes rules")
	p.wantRules("EtcdNoQuorum", true)

	s.etcdctr("stop")
	s.etcdctr("start")
	p.wantScraped(3)
	s.compose("down")
	s.compose("up", "--detach", "--wait")
	p.wantScraped(3)

	s.withoutMonitoring()
	s.etcdctr("up")
	if _, there := s.containers()["prometheus"]; there || len(s.containers()) != 3 {
		t.Errorf("containers: %v", s.containers())
	}
	if out, code := s.verdict("verify", "--image", s.ref); code != 0 {
		t.Errorf("verify ends with %d:\n%s", code, out)
	}
	s.etcdctr("down", "--volumes", "--yes")
	s.wantNothingLeft()
}

// withoutMonitoring takes what is said of it out of the cluster file.
func (s *stack) withoutMonitoring() {
	s.t.Helper()
	file := filepath.Join(s.dir, "etcdctr.yaml")
	text := regexp.MustCompile(`(?m)^(monitoring|prometheus-).*\n`).ReplaceAllString(readFile(s.t, file), "")
	writeFile(s.t, file, text)
}

// wantReadsMetricsAlone wants the certificate of Prometheus to be good for nothing
// else.
func wantReadsMetricsAlone(t *testing.T, s *stack, endpoints []string) {
	t.Helper()
	config := identityTLS(t, filepath.Join(s.dir, "certs", "clients", cluster.MonitoringClient))
	answer, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: config}}).Get(endpoints[0] + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || !strings.Contains(string(text), "etcd_server_has_leader 1") {
		t.Errorf("%s: %v\n%.300s", answer.Status, err, text)
	}
	c := loadClient(t, clientv3.Config{Endpoints: endpoints, TLS: config})
	if _, err := c.Get(t.Context(), "key"); err == nil {
		t.Error("it reads keys")
	}
	if _, err := c.Put(t.Context(), "key", "value"); err == nil {
		t.Error("it writes keys")
	}
}

// Members come, go and change their release: Prometheus follows, and is quiet.
func TestPrometheusFollowsWhatUpChanges(t *testing.T) {
	s := newStack(t)
	s.ref = etcdImage(t, cluster.NewestMinor-1)
	_, p := s.monitored("")
	s.etcdctr("up", "--etcd", minorRelease(cluster.NewestMinor-1))
	p.wantScraped(3)
	const new37 = "etcd_server_request_duration_seconds"
	p.wantRules(new37, false)
	file := filepath.Join(s.dir, "etcdctr.yaml")
	port := freePorts(t, 1)[0]
	writeFile(t, file, readFile(t, file)+fmt.Sprintf("- {name: etcd4, client-port: %d}\n", port))
	s.etcdctr("up", "--etcd", minorRelease(cluster.NewestMinor-1))
	p.wantScraped(4)
	writeFile(t, file, strings.ReplaceAll(readFile(t, file), fmt.Sprintf("- {name: etcd4, client-port: %d}\n", port), ""))
	s.etcdctr("up", "--etcd", minorRelease(cluster.NewestMinor-1))
	p.wantScraped(3)
	s.ref = etcdImage(t, cluster.NewestMinor)
	s.etcdctr("up", "--etcd", minorRelease(cluster.NewestMinor))
	p.wantRules(new37, true)
	p.wantScraped(3)
	p.wantAlerts()
}

// In a closed network all comes out of one archive.
func TestABundleBringsPrometheusAlong(t *testing.T) {
	s := newStack(t)
	_, p := s.monitored("")
	s.etcdctr("certs", "create")
	archive := filepath.Join(t.TempDir(), "stack.tar")
	said, err := output(s.command("image", "bundle", "--image", s.ref, "--output", archive), s.dir)
	if err != nil {
		t.Fatal(said, err)
	}
	there := t.TempDir()
	refs := run(t, s.dir, etcdctrBinary(t), "image", "load", "--output", there, archive)
	if image := prometheusImage(t); !slices.Contains(strings.Fields(refs), image) {
		t.Errorf("%s is not among the images:\n%s", image, refs)
	}
	if err := os.CopyFS(there+"/keys", os.DirFS(filepath.Join(s.dir, "certs"))); err != nil {
		t.Fatal(err)
	}
	run(t, there, "cp", "-r", "keys/.", "certs/") // keys come another way
	run(t, there, "docker-compose", "--project-name", s.name, "up", "--detach", "--wait")
	p.wantScraped(3)
}

// What the stack's Prometheus reads is made with it and goes with it.
func TestNothingOfPrometheusStaysWithoutIt(t *testing.T) {
	s := newStack(t)
	gone := func(after string) {
		t.Helper()
		if _, err := os.Stat(filepath.Join(s.dir, "monitoring")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the folder monitoring is there after %s: %v", after, err)
		}
	}
	_, err := s.tryEtcdctr("up", "--monitoring", "--prometheus-image", "localhost:1/nobody/prometheus:1")
	wantError(t, err, "cannot pull the image")
	gone("an up whose image can't be pulled")
	s.etcdctr("up", "--monitoring", "--prometheus-image", prometheusImage(t))
	s.etcdctr("down", "--volumes", "--yes")
	gone("the data was deleted")
}

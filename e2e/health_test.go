//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/compose"
)

// healthReport is what `etcdctr health --format json` prints, as far as the
// tests read it.
type healthReport struct {
	Healthy  bool
	Failures []string
	Leader   string
	Aside    []struct{ Member string }
	Members  []struct {
		Name, Role, Error, Version string
		Certificates               []struct {
			Use      string
			DaysLeft int
		}
	}
}

// health runs `etcdctr health` and gives its report and its exit code.
func (s *stack) health(flags ...string) (healthReport, int) {
	s.t.Helper()
	var report healthReport
	out, code := s.verdict("health", append(flags, "--format", "json")...)
	decode(s.t, out, &report)
	return report, code
}

// verdict runs a command that may fail, and gives its output and exit code.
func (s *stack) verdict(verb string, flags ...string) (string, int) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), etcdctrBinary(s.t), append([]string{verb, "--name", s.name}, flags...)...)
	cmd.Dir = s.dir
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		s.t.Logf("%s: %s", verb, exit.Stderr)
		return string(out), exit.ExitCode()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return string(out), 0
}

func TestSmokeHealthAndVerifyHoldForAStackAsGenerated(t *testing.T) {
	s := newStack(t)
	s.generate()
	s.up()
	report, code := s.health()
	if !report.Healthy || code != 0 || len(report.Members) != 3 || report.Leader == "" {
		t.Errorf("exit code %d, %+v", code, report)
	}
	for _, m := range report.Members {
		if len(m.Certificates) != 3 {
			t.Errorf("%s: certificates %v, want those of server, peer and client", m.Name, m.Certificates)
		}
	}
	s.etcdctr("verify")
}

// The page of what is promised names, in the last column of its table, the proofs that
// hold each promise.
func TestTheSecurityPageNamesProofsThatVerifyMakes(t *testing.T) {
	s := newStack(t)
	s.generate("--members", "1")
	s.up()
	out, code := s.verdict("verify", "--members", "1", "--format", "json")
	var proofs []struct{ Check string }
	if err := json.Unmarshal([]byte(out), &proofs); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v:\n%s", code, err, out)
	}
	page, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for line := range strings.Lines(string(page)) {
		columns := strings.Split(line, "|")
		if len(columns) != 5 || strings.Contains(columns[3], "proofs of") {
			continue
		}
		for _, code := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(columns[3], -1) {
			named++
			if !slices.ContainsFunc(proofs, func(p struct{ Check string }) bool { return p.Check == code[1] }) {
				t.Errorf("the page names %q, which is no proof of verify", code[1])
			}
		}
	}
	for _, p := range proofs {
		if p.Check != "TLS mode" && !strings.Contains(string(page), "`"+p.Check+"`") {
			t.Errorf("the page names no promise that %q proves", p.Check)
		}
	}
	if named < 10 {
		t.Errorf("the page names %d proofs", named)
	}
}

func TestHealthNamesTheMemberThatIsDownAndShowsTheOthers(t *testing.T) {
	s := newStack(t)
	s.generate()
	s.up()
	s.compose("stop", "etcd2")
	s.wantOnlySilent("etcd2")
	s.compose("start", "etcd2")
	s.up()
	s.compose("pause", "etcd2")
	t.Cleanup(func() { _, _ = s.clean("unpause") })
	s.wantOnlySilent("etcd2")
}

func (s *stack) wantOnlySilent(name string) {
	s.t.Helper()
	report, code := s.health("--timeout", "2s")
	if code != 1 || report.Healthy || len(report.Failures) != 1 || !strings.HasPrefix(report.Failures[0], name+": does not answer") {
		s.t.Errorf("exit code %d, failures %q", code, report.Failures)
	}
	for _, m := range report.Members {
		if (m.Error == "") != (m.Name != name) {
			s.t.Errorf("%s: error %q", m.Name, m.Error)
		}
	}
}

func TestHealthWatchesUntilItIsInterrupted(t *testing.T) {
	s := newStack(t)
	s.generate("--members", "1")
	s.up()
	cmd := exec.Command(etcdctrBinary(t), "health", "--name", s.name, "--watch", "--interval", "100ms", "--format", "json")
	cmd.Dir = s.dir
	printed, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reports := json.NewDecoder(printed)
	for range 3 {
		var r healthReport
		if err := reports.Decode(&r); err != nil || !r.Healthy {
			t.Errorf("report %+v, %v", r, err)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 0 { // that is how it is meant to end
		t.Errorf("exit code %d, want 0", code)
	}
}

func TestVerifyFindsWhatWasNotPromised(t *testing.T) {
	s := newStack(t)
	ports := freePorts(t, 1)
	writeFile(t, filepath.Join(s.dir, "published.yaml"), "publish: loopback\nmembers:\n  - {name: etcd1, client-port: "+fmt.Sprint(ports[0])+"}\n")
	s.generate("-f", "published.yaml")
	s.up()
	if out, code := s.verdict("verify", "-f", "published.yaml"); code != 0 {
		t.Errorf("as promised, and exit code %d:\n%s", code, out)
	}
	out, code := s.verdict("verify", "--members", "1") // as if nothing were to be published
	if code != 1 || strings.Count(out, "SURPRISE") != 2 {
		t.Errorf("exit code %d, want 1 and two surprises, the network and the port:\n%s", code, out)
	}

	stranger := s.name + "-stranger"
	t.Cleanup(func() { _, _ = output(exec.Command("docker", "rm", "--force", stranger), "") })
	run(t, s.dir, "docker", "run", "--detach", "--name", stranger, "--network", compose.NetworkOf(s.name), s.image("etcd1"))
	out, code = s.verdict("verify", "-f", "published.yaml")
	if code != 1 || !strings.Contains(out, stranger) {
		t.Errorf("exit code %d, want 1 and the stranger named:\n%s", code, out)
	}
	_, err := s.tryEtcdctr("verify", "-f", "published.yaml")
	wantError(t, err, "hint: whoever is on the members' network", "--beside '"+stranger+"' expects")
	if out, code := s.verdict("verify", "-f", "published.yaml", "--beside", stranger); code != 0 {
		t.Errorf("an application that is expected, and exit code %d:\n%s", code, out)
	}
	if out, code := s.verdict("verify", "-f", "published.yaml", "--beside", stranger+"-2"); code != 1 {
		t.Errorf("another one is expected, and exit code %d:\n%s", code, out)
	}
}

// `systemctl restart nftables` and the like flush the engine's rules with all others.
func TestVerifyTellsWhenNothingKeepsNetworksApart(t *testing.T) {
	s := newStack(t)
	e := startEngine(t, s.ref)
	s.etcdctr("up", "--image", s.ref)
	if out, code := s.verdict("verify"); code != 0 {
		t.Errorf("as promised, and exit code %d:\n%s", code, out)
	}
	e.flushRules()
	_, err := s.tryEtcdctr("verify")
	if err == nil || strings.Count(err.Error(), "way out: expected none") != 3 || !strings.Contains(err.Error(), "firewall rules") {
		t.Errorf("want three surprises and their cause: %v", err)
	}
	e.restart()
	waitUntil(t, engineTimeout, func() error { _, err := s.tryEtcdctr("health"); return err })
	if out, code := s.verdict("verify"); code != 0 {
		t.Errorf("after a restart of the engine, and exit code %d:\n%s", code, out)
	}
}

func TestVerifyHoldsForPlainTextOnlyIfThatIsMeant(t *testing.T) {
	s := newStack(t)
	s.generate("--tls", "none", "--members", "1")
	s.up()
	if out, code := s.verdict("verify", "--tls", "none"); code != 0 {
		t.Errorf("as promised, and exit code %d:\n%s", code, out)
	}
	if out, code := s.verdict("verify"); code != 1 || !strings.Contains(out, "TLS mode") {
		t.Errorf("exit code %d, want 1:\n%s", code, out)
	}
}

// image is the image that a member runs.
func (s *stack) image(member string) string {
	s.t.Helper()
	id := strings.TrimSpace(s.compose("ps", "--quiet", member))
	return strings.TrimSpace(run(s.t, s.dir, "docker", "inspect", "--format", "{{.Image}}", id))
}

// A member with an address of either family has two client URLs.
func TestAutoTLSOnBothFamiliesIsHealthyAndProven(t *testing.T) {
	s := newStack(t)
	flags := []string{"--tls", "auto", "--subnet", "10.222.31.0/24,fd00:beef:31::/64"}
	s.etcdctr("up", flags...)
	if report, code := s.health(); code != 0 || len(report.Members) != 3 {
		t.Errorf("health: %+v", report)
	}
	if out, code := s.verdict("verify", flags...); code != 0 {
		t.Errorf("verify:\n%s", out)
	}
	if out := s.etcdctr("etcdctl", "endpoint", "health", "--cluster"); strings.Count(out, "is healthy") != 6 {
		t.Errorf("endpoint health --cluster:\n%s", out)
	}
}

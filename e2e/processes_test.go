//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
	"github.com/etcdctr/etcdctr/process"
)

// local is a folder on a machine that has no Docker Engine.
type local struct {
	t   *testing.T
	dir string
}

func newLocal(t *testing.T) *local {
	t.Helper()
	etcdtest.HoldAlone(t)
	l := &local{t: t, dir: t.TempDir()}
	t.Cleanup(func() {
		homes, err := filepath.Glob(filepath.Join(l.dir, ".etcdctr", "[^.]*")) // what begins with a dot is none
		if err != nil {
			t.Error(err)
		}
		for _, dir := range homes { // whatever name a test has given it
			if _, err := (process.Home{Dir: dir}).State(); errors.Is(err, process.ErrNoStack) {
				continue
			}
			if t.Failed() {
				t.Log(l.try("logs", "--tail", "30", "--name", filepath.Base(dir)))
			}
			if out, err := l.try("down", "--volumes", "--yes", "--name", filepath.Base(dir)); err != nil {
				t.Error(out, err)
			}
		}
	})
	return l
}

func (l *local) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = l.dir
	cmd.Env = append(os.Environ(), "DOCKER_HOST=unix://"+l.dir+"/no-engine.sock")
	return cmd
}

func (l *local) try(args ...string) (string, error) {
	return output(l.command(etcdctrBinary(l.t), args...), l.dir)
}

func (l *local) etcdctr(args ...string) string {
	l.t.Helper()
	return succeed(l.t, l.command(etcdctrBinary(l.t), args...), l.dir)
}

func (l *local) home() process.Home {
	return process.Home{Dir: filepath.Join(l.dir, ".etcdctr", "etcd")}
}

func (l *local) state() process.State {
	l.t.Helper()
	s, err := l.home().State()
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

func (l *local) healthy() error {
	_, err := l.try("health")
	return err
}

func kill9(t *testing.T, p process.ID) {
	t.Helper()
	if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func TestSmokeWithoutAnEngineUpEndsInAHealthyCluster(t *testing.T) {
	l := newLocal(t)
	l.etcdctr("up", "--detach")
	l.etcdctr("health")
	l.etcdctr("verify")
	l.etcdctr("down", "--volumes", "--yes")
	if left, err := os.ReadDir(filepath.Join(l.dir, ".etcdctr")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestKilledProcessesComeBackWithTheirData(t *testing.T) {
	l := newLocal(t)
	l.etcdctr("up", "--detach")
	l.etcdctr("etcdctl", "put", "key", "value")

	for _, m := range l.state().Members {
		kill9(t, m.Process)
		eventually(t, m.Name+" to be started again", l.healthy)
	}
	for _, m := range l.state().Members {
		if m.Restarts != 1 || m.LastExit != "signal: killed" {
			t.Errorf("%+v", m)
		}
	}

	before := l.state()
	kill9(t, before.Supervisor)
	eventually(t, "the members to end with their supervisor", func() error {
		for _, m := range before.Members {
			if m.Process.Alive() {
				return fmt.Errorf("%s is alive", m.Name)
			}
		}
		return nil
	})
	if out := l.etcdctr("ps"); strings.Count(out, "(killed together with its supervisor)") != 3 {
		t.Errorf("ps tells nothing of it:\n%s", out)
	}
	l.obeyDoctor("killed together with its supervisor")
	if got := l.etcdctr("etcdctl", "get", "--print-value-only", "key"); got != "value\n" {
		t.Errorf("got %q", got)
	}
}

// obeyDoctor wants the doctor to name a cause, and its command to put it right.
func (l *local) obeyDoctor(cause string) {
	l.t.Helper()
	out, err := l.try("doctor", "--format", "json")
	var found struct{ Cause, Command string }
	if json.Unmarshal([]byte(out), &found) != nil || err == nil || !strings.Contains(found.Cause, cause) {
		l.t.Fatalf("the doctor says %s (%v)", out, err)
	}
	l.etcdctr(strings.Fields(found.Command)[1:]...)
	l.etcdctr("doctor")
}

func TestAStartRightAfterTheSupervisorWasKilledTakesOver(t *testing.T) {
	l := newLocal(t)
	l.etcdctr("up", "--detach")
	l.etcdctr("etcdctl", "put", "key", "value")
	for range 5 {
		before := l.state()
		kill9(t, before.Supervisor)
		l.etcdctr("up", "--detach")
		for _, m := range before.Members {
			if m.Process.Alive() {
				t.Errorf("%s has outlived its supervisor", m.Name)
			}
		}
	}
	l.etcdctr("health")
	if got := l.etcdctr("etcdctl", "get", "--print-value-only", "key"); got != "value\n" {
		t.Errorf("got %q", got)
	}
}

func TestStartsAtTheSameTimeGetPortsOfTheirOwn(t *testing.T) {
	var together sync.WaitGroup
	stacks := []*local{newLocal(t), newLocal(t), newLocal(t)}
	for _, l := range stacks {
		together.Go(func() {
			if out, err := l.try("up", "--detach", "--tls", "none"); err != nil {
				t.Error(out, err)
			}
		})
	}
	together.Wait()
	clusters := map[string]bool{} // in plain text one would answer for the other
	for _, l := range stacks {
		var report struct{ ClusterID string }
		if err := json.Unmarshal([]byte(l.etcdctr("health", "--format", "json")), &report); err != nil {
			t.Fatal(err)
		}
		clusters[report.ClusterID] = true
	}
	if len(clusters) != len(stacks) {
		t.Errorf("%d stacks are %d clusters", len(stacks), len(clusters))
	}
}

func TestEveryEtcdReleaseRunsInProcesses(t *testing.T) {
	for minor, release := range cluster.KnownPatches {
		l := newLocal(t)
		l.etcdctr("up", "--detach", "--etcd-binary", etcdBinary(t, minor, "etcd"))
		var report struct{ Members []struct{ Version string } }
		if err := json.Unmarshal([]byte(l.etcdctr("health", "--format", "json")), &report); err != nil {
			t.Fatal(err)
		}
		for _, m := range report.Members {
			if "v"+m.Version != release.String() {
				t.Errorf("got etcd %s, want %s", m.Version, release)
			}
		}
		l.etcdctr("down", "--volumes", "--yes")
	}
}

func TestAnUpgradeKeepsTheQuorumAndTheData(t *testing.T) {
	l := newLocal(t)
	l.etcdctr("up", "--detach", "--etcd-binary", etcdBinary(t, cluster.NewestMinor-1, "etcd"))
	l.etcdctr("etcdctl", "put", "key", "value")
	before := l.state().Members

	upgrade := l.command(etcdctrBinary(t), "up", "--detach", "--etcd-binary", etcdBinary(t, cluster.NewestMinor, "etcd"))
	ended := make(chan error, 1)
	go func() {
		_, err := output(upgrade, l.dir)
		ended <- err
	}()
	for done := false; !done; {
		select {
		case err := <-ended:
			if done = true; err != nil {
				t.Fatal(err)
			}
		default:
		}
		running := 0
		for _, m := range l.state().Members {
			if m.Status == process.Running {
				running++
			}
		}
		if quorum := len(before)/2 + 1; running < quorum {
			t.Fatalf("%d members run, less than a quorum", running)
		}
	}
	for i, m := range l.state().Members {
		if m.Process == before[i].Process {
			t.Errorf("%s runs as before", m.Name)
		}
	}
	if out := l.etcdctr("health"); strings.Count(out, " "+strings.TrimPrefix(cluster.DefaultVersion.String(), "v")+" ") != len(before) {
		t.Errorf("not all members are %s:\n%s", cluster.DefaultVersion, out)
	}
	if got := l.etcdctr("etcdctl", "get", "--print-value-only", "key"); got != "value\n" {
		t.Errorf("got %q", got)
	}
}

func TestEveryBootstrapWorksInProcesses(t *testing.T) {
	for minor := range cluster.KnownPatches {
		for _, way := range []cluster.Way{cluster.ByOwnDiscovery, cluster.ByRecords} {
			for _, tls := range cluster.TLSModes() {
				t.Run(fmt.Sprintf("%s tls %s etcd 3.%d", way.Bootstrap, tls, minor), func(t *testing.T) {
					startByItself(t, way, tls, minor)
				})
			}
		}
	}
}

// startByItself starts a cluster in processes twice, the second time on its data,
// or wants the refusal that the table of bootstraps has.
func startByItself(t *testing.T, way cluster.Way, tls cluster.TLSMode, minor int) {
	t.Helper()
	l := newLocal(t)
	flags := []string{"--bootstrap", string(way.Bootstrap), "--tls", string(tls)}
	up := append([]string{"up", "--detach", "--etcd-binary", etcdBinary(t, minor, "etcd")}, flags...)
	if refusal := cluster.Judge(way, tls, minor).Refusal; refusal != "" {
		if _, err := l.try(up...); err == nil || !strings.Contains(err.Error(), refusal) {
			t.Errorf("got %v, want %s", err, refusal)
		}
		return
	}
	l.etcdctr(up...)
	l.etcdctr("health")
	l.etcdctr("etcdctl", "put", "key", "value")
	l.etcdctr("stop")
	l.etcdctr("start")
	l.etcdctr("health")
	l.etcdctr("down", "--volumes", "--yes")
	if _, err := os.Stat(filepath.Join(l.dir, "discovery", "etcd", "token")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the token has outlived its cluster: %v", err)
	}
}

func TestAnEtcdThatCannotAskTheStacksDNSServerIsRefused(t *testing.T) {
	l := newLocal(t)
	etcd := etcdBinary(t, cluster.NewestMinor, "etcd")
	// A user namespace without names for anybody: there nobody is root.
	cmd := l.command("unshare", "--user", etcdctrBinary(t),
		"up", "--detach", "--bootstrap", "dns", "--tls", "none", "--etcd-binary", etcd)
	_, err := output(cmd, l.dir)
	want := etcd + " would ask this machine's DNS server for the members: only root on Linux can give another program than this one a DNS server"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAMemberThatWasRemovedIsNotRevived(t *testing.T) {
	l := newLocal(t)
	l.etcdctr("up", "--detach")
	id := ""
	for line := range strings.Lines(l.etcdctr("etcdctl", "member", "list")) {
		if strings.Contains(line, ", etcd3,") {
			id, _, _ = strings.Cut(line, ",")
		}
	}
	eventually(t, "the removal", func() error { // refused within seconds of a start
		_, err := l.try("etcdctl", "member", "remove", id)
		return unlessRemoved(err)
	})
	eventually(t, "etcd3 to have left", func() error {
		if got := l.state().Members[2].Status; got != process.Left {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
}

func TestForemanRunsTheProcfile(t *testing.T) {
	l := newLocal(t)
	writeFile(t, filepath.Join(l.dir, "etcdctr.yaml"), `members:
  - {name: etcd1, client-port: 23379}
  - {name: etcd2, client-port: 23479}
  - {name: etcd3, client-port: 23579}
`)
	l.etcdctr("procfile", "--output", "Procfile")
	foreman := l.command("foreman", "start")
	foreman.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	background(t, l.dir, foreman)
	t.Cleanup(func() { _ = syscall.Kill(-foreman.Process.Pid, syscall.SIGKILL) })
	etcdctl := func(args ...string) *exec.Cmd {
		cmd := l.command(etcdBinary(t, cluster.NewestMinor, "etcdctl"), args...)
		cmd.Env = append(cmd.Env,
			"ETCDCTL_ENDPOINTS=https://127.0.0.1:23379,https://127.0.0.1:23479,https://127.0.0.1:23579",
			"ETCDCTL_CACERT=certs/clients/root/ca.crt", "ETCDCTL_CERT=certs/clients/root/tls.crt", "ETCDCTL_KEY=certs/clients/root/tls.key")
		return cmd
	}
	eventually(t, "three healthy members", func() error { return etcdctl("endpoint", "health").Run() })
	if out := succeed(t, etcdctl("member", "list"), l.dir); strings.Count(out, "started") != 3 {
		t.Errorf("got\n%s", out)
	}
}

func TestSystemdFindsNothingWrongWithTheUnits(t *testing.T) {
	l := newLocal(t)
	l.etcdctr("systemd", "--output", "units", "--etcd-binary", etcdBinary(t, cluster.NewestMinor, "etcd"))
	units, err := filepath.Glob(filepath.Join(l.dir, "units", "*.service"))
	if err != nil || len(units) != 3 {
		t.Fatalf("%v %v", units, err)
	}
	succeed(t, l.command("systemd-analyze", append([]string{"verify", "--man=no"}, units...)...), l.dir)
	// At most 2.0 of 10, which systemd calls OK.
	succeed(t, l.command("systemd-analyze", append([]string{"security", "--offline=true", "--threshold=20"}, units...)...), l.dir)
}

//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/process"
)

// local is a folder on a machine that has no Docker Engine.
type local struct {
	t   *testing.T
	dir string
}

func newLocal(t *testing.T) *local {
	t.Helper()
	l := &local{t: t, dir: t.TempDir()}
	t.Cleanup(func() {
		if _, err := l.home().State(); errors.Is(err, process.ErrNoStack) {
			return
		}
		if t.Failed() {
			t.Log(l.try("logs", "--tail", "30"))
		}
		if out, err := l.try("down", "--volumes"); err != nil {
			t.Error(out, err)
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
	l.etcdctr("down", "--volumes")
	if left, err := os.ReadDir(filepath.Join(l.dir, ".etcdctr")); err != nil || len(left) != 1 {
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
		_, err := l.try("start", "etcd1") // it takes a supervisor, or nobody at all
		if err == nil || strings.Contains(err.Error(), "is stopped as a whole") {
			return nil
		}
		return err
	})
	for _, m := range before.Members {
		if m.Process.Alive() {
			t.Errorf("%s has outlived its supervisor", m.Name)
		}
	}
	if out := l.etcdctr("ps"); strings.Count(out, "Lost: killed together with its supervisor") != 3 {
		t.Errorf("ps tells nothing of it:\n%s", out)
	}
	l.etcdctr("up", "--detach")
	if got := l.etcdctr("etcdctl", "get", "--print-value-only", "key"); got != "value\n" {
		t.Errorf("got %q", got)
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
		l.etcdctr("down", "--volumes")
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
		return err
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

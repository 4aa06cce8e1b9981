//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/version"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// Bad days of `etcdctr up`: one clear message each, nothing of anybody else's
// touched, and a second run recovers.

func TestFailedFirstUpSaysWhyAndRemovesWhatItCreated(t *testing.T) {
	s := newStack(t)
	s.generate()
	s.edit("ETCD_LISTEN_PEER_URLS: https://0.0.0.0:2380", "ETCD_LISTEN_PEER_URLS: https://etcd1:2380")
	s.etcdctr("compose", "--output", "good.yml") // makes the certificates

	_, err := s.tryEtcdctr("up", "--file-compose", "docker-compose.yml")
	wantExitCode(t, err, 1)
	wantError(t, err, "ends again and again", "expected IP in URL for binding (https://etcd1:2380)",
		"cause: etcd", "it is to listen on https://etcd1:2380, and etcd listens on addresses",
		"hint: etcdctr up --file-compose docker-compose.yml")
	s.wantNothingLeft()

	_, err = s.tryEtcdctr("up", "--file-compose", "docker-compose.yml", "--keep")
	wantExitCode(t, err, 1)
	if n := len(s.containers()); n != 3 {
		t.Errorf("%d containers are left with --keep, want 3", n)
	}
	s.etcdctr("up", "--file-compose", "good.yml")
	s.wantServing()
}

// edit changes the stack's Compose file.
func (s *stack) edit(from, to string) {
	s.t.Helper()
	file := filepath.Join(s.dir, "docker-compose.yml")
	data, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	if !strings.Contains(string(data), from) {
		s.t.Fatalf("the Compose file has no %q", from)
	}
	writeFile(s.t, file, strings.ReplaceAll(string(data), from, to))
}

func TestWhatIsSomebodyElsesIsNamedAndNotTouched(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	for what, test := range map[string]struct {
		make, remove []string // arguments of docker, NAME being the stack's
		flags        []string
		want         string
	}{
		"container": {
			make:   []string{"create", "--name", "NAME-etcd2-1", image},
			remove: []string{"rm", "NAME-etcd2-1"},
			want:   "the name NAME-etcd2-1 is taken: the container was made by something else",
		},
		"network": {
			make:   []string{"network", "create", compose.NetworkOf("NAME")},
			remove: []string{"network", "rm", compose.NetworkOf("NAME")},
			want:   "the name " + compose.NetworkOf("NAME") + " is taken: the network was made by something else",
		},
		"volume": {
			make:   []string{"volume", "create", "NAME_etcd3-data"},
			remove: []string{"volume", "rm", "NAME_etcd3-data"},
			want:   "the name NAME_etcd3-data is taken: the volume was made by something else",
		},
	} {
		t.Run(what, func(t *testing.T) {
			s := newStack(t)
			named := func(args []string) []string {
				return strings.Split(strings.ReplaceAll(strings.Join(args, "\x00"), "NAME", s.name), "\x00")
			}
			run(t, s.dir, "docker", named(test.make)...)
			_, err := s.tryEtcdctr("up", test.flags...)
			wantExitCode(t, err, 1)
			wantError(t, err, strings.ReplaceAll(test.want, "NAME", s.name))
			if n := len(s.containers()); n != 0 {
				t.Errorf("%d containers were created", n)
			}
			run(t, s.dir, "docker", named(test.remove)...) // fails if it is gone
			s.etcdctr("up")
		})
	}
}

func TestWhatTheDataContradictsIsRefusedAndNothingIsTouched(t *testing.T) {
	s := newStack(t)
	s.etcdctr("up", "--tls", "none")
	s.etcdctr("etcdctl", "put", "key", "value")
	before := s.containers()
	s.etcdctr("up") // as it was started
	for _, c := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--tls", "mutual"}, "clients that come with --tls none would be cut off"},
		{[]string{"--tls", "mutual", "--dry-run"}, "--clients both"},
		{[]string{"--tls", "mutual", "--clients", "both", "--members", "5"}, "while others come or go"},
		{[]string{"--tls", "auto", "--members", "5"}, "is of a cluster with --tls none, and cannot go over to auto"},
	} {
		_, err := s.tryEtcdctr("up", c.flags...)
		wantExitCode(t, err, 1)
		wantError(t, err, c.want)
	}
	s.wantUntouched(before, "a refused change")
	if _, err := os.Stat(filepath.Join(s.dir, "certs")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("certificates were made for what was refused: %v", err)
	}
	s.etcdctr("health")
}

// Two projects that call their cluster the same are one stack to the engine.
func TestAClusterOfAnotherFolderIsNotTakenOver(t *testing.T) {
	theirs := newStack(t)
	theirs.etcdctr("up")
	before := theirs.containers()
	ours := *theirs
	ours.dir = t.TempDir()
	_, err := ours.tryEtcdctr("up")
	wantExitCode(t, err, 1)
	wantError(t, err, "started in "+theirs.dir+", and it does not accept the certificates of this one", "hint: --name starts another cluster beside it")
	theirs.wantUntouched(before, "an up elsewhere")
	theirs.etcdctr("health")
	ours.etcdctr("health", "--certs-dir", filepath.Join(theirs.dir, "certs"))
}

func TestMembersWhoseCertificatesWereDeletedGetNewOnes(t *testing.T) {
	s := newStack(t)
	s.etcdctr("up")
	s.etcdctr("etcdctl", "put", "key", "value")
	if err := os.RemoveAll(filepath.Join(s.dir, "certs")); err != nil {
		t.Fatal(err)
	}
	// Without their image nothing is done to them that still run.
	image := s.ref
	s.ref = "registry.invalid/etcd:v" + version.Version
	_, err := s.tryEtcdctr("up", "--pull", "never")
	wantError(t, err, "the image "+s.ref+" is not on the engine")
	for member, id := range s.containers() {
		if status := run(t, s.dir, "docker", "inspect", "--format", "{{.State.Status}}", id); status != "running\n" {
			t.Errorf("%s is %s", member, status)
		}
	}
	s.ref = image
	s.etcdctr("up")
	s.etcdctr("health")
	if got := s.etcdctr("etcdctl", "get", "key", "--print-value-only"); got != "value\n" {
		t.Errorf("the value is %q", got)
	}
}

// Certificates that are gone for good and were made anew are strangers' to members that
// run: what is said then leads out of it, and keeps what the cluster holds.
func TestCertificatesMadeAnewWhileMembersRun(t *testing.T) {
	s := newStack(t)
	s.etcdctr("up")
	s.etcdctr("etcdctl", "put", "key", "value")
	if err := os.Rename(filepath.Join(s.dir, "certs"), filepath.Join(s.dir, "certs.away")); err != nil {
		t.Fatal(err)
	}
	s.etcdctr("certs", "create")
	_, err := s.tryEtcdctr("up")
	wantError(t, err, "although it was started here", "`etcdctr down --name "+s.name+"`, then `etcdctr up ")
	out, err := s.tryEtcdctr("doctor")
	wantExitCode(t, err, 1)
	if !strings.Contains(out, "its members have certificates of another authority") || !strings.Contains(out, "`etcdctr down --name "+s.name+"`, then `etcdctr up ") {
		t.Errorf("the doctor says\n%s", out)
	}
	s.etcdctr("down")
	s.etcdctr("up")
	s.etcdctr("health")
	if got := s.etcdctr("etcdctl", "get", "key", "--print-value-only"); got != "value\n" {
		t.Errorf("the value is %q", got)
	}
}

func TestTakenPortIsNamedAndNothingIsLeft(t *testing.T) {
	s := newStack(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), fmt.Sprintf("publish: loopback\nmembers: [{name: etcd1, client-port: \"%d\"}]\n", port))
	_, err = s.tryEtcdctr("up")
	wantExitCode(t, err, 1)
	wantError(t, err, fmt.Sprint(port), "address already in use")
	s.wantNothingLeft()
	l.Close()
	s.etcdctr("up")
}

func TestTakenSubnetIsNamedAndNothingIsLeft(t *testing.T) {
	s := newStack(t)
	s.generate()
	s.edit("    internal: true", "    ipam: {config: [{subnet: 10.222.7.0/24}]}\n    internal: true")
	run(t, s.dir, "docker", "network", "create", "--subnet", "10.222.0.0/16", s.name+"-other")
	_, err := s.tryEtcdctr("up", "--file-compose", "docker-compose.yml")
	wantExitCode(t, err, 1)
	wantError(t, err, "create network "+compose.NetworkOf(s.name), "overlap")
	run(t, s.dir, "docker", "network", "rm", s.name+"-other")
	s.wantNothingLeft()
	s.etcdctr("up", "--file-compose", "docker-compose.yml")
}

// steps gives how many operations a first up has, those included that wait.
func (s *stack) steps() int {
	s.t.Helper()
	return strings.Count(s.etcdctr("up", "--dry-run"), "\n")
}

// Of the members that are waited for at the end, the last may have answered
// before the signal is there: then all is as it should be.
func TestInterruptedUpLeavesNothingAtAnyStep(t *testing.T) {
	for step := 1; step <= newStack(t).steps(); step++ {
		t.Run(fmt.Sprint(step), func(t *testing.T) {
			s := newStack(t)
			err := s.signalAt(step, syscall.SIGINT)
			if err == nil {
				s.wantServing()
				return
			}
			wantExitCode(t, err, 130)
			s.wantNothingLeft()
		})
	}
}

func TestUpFinishesWhatAKilledOneLeftAtAnyStep(t *testing.T) {
	for step := 1; step <= newStack(t).steps(); step++ {
		t.Run(fmt.Sprint(step), func(t *testing.T) {
			s := newStack(t)
			_ = s.signalAt(step, syscall.SIGKILL) // at the last step it may have ended by itself
			s.etcdctr("up")
			s.wantServing()
			ids := s.containers()
			s.etcdctr("up")
			s.wantUntouched(ids, "a third up")
		})
	}
}

// signalAt runs up and sends it a signal as soon as it tells of its nth step.
func (s *stack) signalAt(n int, signal os.Signal) error {
	s.t.Helper()
	s.etcdctr("compose") // makes the certificates, which take their time
	cmd := s.command("up", "--progress", "json")
	cmd.Dir = s.dir
	return signalAt(s.t, cmd, n, signal)
}

// signalAt runs a command that tells its progress as JSON, and signals it when its nth
// step is done.
func signalAt(t *testing.T, cmd *exec.Cmd, n int, signal os.Signal) error {
	t.Helper()
	told, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(told)
	for seen := 0; lines.Scan(); {
		if !strings.HasPrefix(lines.Text(), "{") || !strings.Contains(lines.Text(), `"done":true`) {
			continue
		}
		if seen++; seen == n {
			if err := cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Fatal(err)
			}
		}
	}
	return cmd.Wait()
}

func TestTwoUpsAtOnceBothSucceed(t *testing.T) {
	s := newStack(t)
	s.etcdctr("compose")
	etcdImage(t, cluster.NewestMinor)
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		cmd := s.command("up")
		wg.Go(func() { _, errs[i] = output(cmd, s.dir) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	s.wantServing()
	ids := s.containers()
	s.etcdctr("up")
	s.wantUntouched(ids, "a third up")
}

func TestMemberKilledOrPausedIsBroughtBack(t *testing.T) {
	s := newStack(t)
	s.etcdctr("up")
	ids := s.containers()
	for _, fault := range []string{"kill", "pause", "stop"} {
		run(t, s.dir, "docker", fault, s.name+"-etcd2-1")
		s.etcdctr("up")
		s.wantServing()
		s.wantUntouched(ids, "docker "+fault+" and up")
	}
}

func TestEngineThatDoesNotAnswerIsTold(t *testing.T) {
	s := newStack(t)
	closed := etcdtest.FreeAddress(t, "127.0.0.1")
	for what, test := range map[string]struct {
		host string
		want []string
	}{
		"no socket":    {"unix:///nowhere/docker.sock", []string{"no Docker Engine answers", "/nowhere/docker.sock", "DOCKER_HOST"}},
		"closed port":  {"tcp://" + closed, []string{"no Docker Engine answers", closed, "DOCKER_HOST"}},
		"no such host": {"tcp://docker.invalid:2375", []string{"no Docker Engine answers", "docker.invalid"}},
		"no address":   {"nonsense", []string{"DOCKER_HOST", "nonsense"}},
	} {
		t.Run(what, func(t *testing.T) {
			cmd := s.command("up", "--runtime", "docker")
			cmd.Env = append(os.Environ(), "DOCKER_HOST="+test.host)
			_, err := output(cmd, s.dir)
			wantExitCode(t, err, 1)
			wantError(t, err, test.want...)
		})
	}
}

func TestForbiddenSocketIsTold(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("only root can be somebody else for this test")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "etcdctr")
	link(t, etcdctrBinary(t), program)
	for d := dir; len(d) > len(os.TempDir()); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, "ls")
	cmd.Env = append(os.Environ(), "HOME="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	_, err := output(cmd, dir)
	wantExitCode(t, err, 1)
	wantError(t, err, "this user may not talk to the Docker Engine", "hint:")
}

func TestImageThatCannotBeHadIsTold(t *testing.T) {
	s := newStack(t)
	_, err := output(exec.Command(etcdctrBinary(t), "up", "--name", s.name, "--etcd", "v3.6.16", "--image", "registry.invalid/etcd:v3.6.16"), s.dir)
	wantExitCode(t, err, 1)
	wantError(t, err, "cannot pull the image registry.invalid/etcd:v3.6.16", "hint:")
	_, err = output(exec.Command(etcdctrBinary(t), "up", "--name", s.name, "--image", "registry.invalid/etcd:v3.7.3", "--pull", "never"), s.dir)
	wantExitCode(t, err, 1)
	wantError(t, err, "--pull never")
	s.wantNothingLeft()
}

func TestWithoutARegistryTheProgramPacksItself(t *testing.T) {
	s := newStack(t)
	startEngine(t, s.ref) // which has no image of the official name
	s.ref = fmt.Sprintf("%s:v%s", cluster.OfficialImage, version.Version)
	cmd := s.command("up")
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), s.ref+" could not be pulled, so this program's own etcd") {
		t.Errorf("up: %v\n%s", err, out)
	}
	packed := run(t, s.dir, "docker", "images", "--no-trunc", "--quiet", s.ref)
	_, err = s.tryEtcdctr("up", "--pull", "always")
	wantError(t, err, "cannot pull the image "+s.ref, "hint: without --pull always the one that is on the engine runs")
	if now := run(t, s.dir, "docker", "images", "--no-trunc", "--quiet", s.ref); now != packed {
		t.Errorf("the image that was there is %s now, and was %s", now, packed)
	}
	s.etcdctr("down", "--volumes", "--yes")
}

// What an image of another name holds is not known here, whatever its tag says.
func TestNoImageOfAnotherNameIsMadeUp(t *testing.T) {
	s := newStack(t)
	s.ref = fmt.Sprintf("%s.invalid/etcd:v%s", s.name, version.Version)
	_, err := s.tryEtcdctr("up")
	wantExitCode(t, err, 1)
	wantError(t, err, "cannot pull the image "+s.ref, "hint: load an archive of it")
	s.wantNothingLeft()
}

// An engine at another address gets the certificates through its API.
func TestCertificatesReachAnEngineThatDoesNotSeeThem(t *testing.T) {
	s := newStack(t)
	t.Setenv("DOCKER_HOST", "tcp://"+proxyToEngine(t))
	s.etcdctr("up")
	s.wantServing()
	for file, mode := range map[string]string{"server/tls.key": "-rw-------", "peer/tls.key": "-rw-------", "server/tls.crt": "-rw-r--r--"} {
		archive := run(t, s.dir, "sh", "-c", fmt.Sprintf("docker cp %s-etcd1-1:/etc/etcd/certs/%s - | tar --numeric-owner -tv", s.name, file))
		if !strings.HasPrefix(archive, mode+" 0/0 ") {
			t.Errorf("%s is %s, want %s of 0/0", file, archive, mode)
		}
	}
	ids := s.containers()
	s.etcdctr("up")
	s.wantUntouched(ids, "a second up")

	run(t, s.dir, etcdctrBinary(t), "certs", "renew")
	forecast := s.command("up", "--dry-run")
	forecast.Dir = s.dir
	if told, err := forecast.CombinedOutput(); err != nil || !strings.Contains(string(told), "etcd1, etcd2, etcd3: what is on the machine is other certificates than here") {
		t.Errorf("after a renewal, it is told, and %v:\n%s", err, told)
	}
	s.etcdctr("up")
	s.wantUntouched(ids, "up with renewed certificates")
	s.wantServing()
	s.etcdctr("down", "--volumes", "--yes")
	s.wantNothingLeft()
}

// proxyToEngine lets the engine be reached by TCP and gives the address.
func proxyToEngine(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go pipe(ctx, client)
		}
	}()
	return l.Addr().String()
}

func pipe(ctx context.Context, client net.Conn) {
	defer client.Close()
	engine, err := net.Dial("unix", "/var/run/docker.sock")
	if err != nil {
		return
	}
	defer engine.Close()
	defer context.AfterFunc(ctx, func() { client.Close() })()
	go func() {
		_, _ = io.Copy(engine, client)
		_ = engine.(*net.UnixConn).CloseWrite()
	}()
	_, _ = io.Copy(client, engine)
}

// The engine starts members again with it; those that it cannot, up does.
func TestUpRecoversAStackWhoseContainersAllDied(t *testing.T) {
	s := newStack(t)
	s.etcdctr("up")
	ids := s.containers()
	for m := range ids {
		run(t, s.dir, "docker", "kill", s.name+"-"+m+"-1")
	}
	began := time.Now()
	s.etcdctr("up")
	t.Logf("recovered in %s", time.Since(began))
	s.wantUntouched(ids, "the death of all and up")
	s.wantServing()
}

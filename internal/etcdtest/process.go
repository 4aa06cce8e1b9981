// Package etcdtest runs real etcd members as processes, for tests of what
// looks at members from outside.
//
// A test binary is etcd too, by the name it is called by. Its TestMain decides:
//
//	func TestMain(m *testing.M) {
//		if etcdtest.CalledAsEtcd() {
//			etcdmain.Main(os.Args)
//			return
//		}
//		os.Exit(m.Run())
//	}
package etcdtest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
)

// CalledAsEtcd reports whether this process is to be etcd.
func CalledAsEtcd() bool { return filepath.Base(os.Args[0]) == "etcd" }

// Process is a member.
type Process struct {
	cmd  *exec.Cmd
	log  syncBuffer
	done chan struct{} // closed when it has ended
}

// Program is the etcd that Start and StartAs run; empty: this test binary.
var Program string

// Start starts etcd with these settings, its environment empty but for env.
// When the test ends, so does the process.
func Start(t *testing.T, env []string, flags ...string) *Process {
	t.Helper()
	return StartProgram(t, self(t), env, flags...)
}

// StartProgram is Start with an etcd of any release.
func StartProgram(t *testing.T, program string, env []string, flags ...string) *Process {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Env = append([]string{}, env...)
	return start(t, cmd, flags)
}

// StartAs is Start as another user, who may read and run the program but owns
// nothing.
func StartAs(t *testing.T, uid int, flags ...string) *Process {
	t.Helper()
	dir := t.TempDir()
	public := filepath.Join(dir, "program")
	// The test binary's own folder is private, and so are those of tests.
	program, err := os.ReadFile(self(t))
	if err = errors.Join(err, os.Chmod(filepath.Dir(dir), 0o755), os.WriteFile(public, program, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(public)
	cmd.Env = []string{}
	actAs(cmd, uid)
	return start(t, cmd, flags)
}

func self(t *testing.T) string {
	t.Helper()
	if Program != "" {
		return Program
	}
	file, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func start(t *testing.T, cmd *exec.Cmd, flags []string) *Process {
	t.Helper()
	p := &Process{cmd: cmd, done: make(chan struct{})}
	p.cmd.Args = append([]string{"etcd"}, flags...)
	p.cmd.Dir = t.TempDir()
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in its state
		close(p.done)
	}()
	t.Cleanup(p.Kill)
	return p
}

// Kill ends the member the way a power cut does.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Signal sends it a signal.
func (p *Process) Signal(s os.Signal) { _ = p.cmd.Process.Signal(s) }

// Stop ends the member the way a service manager does, so that it writes what it
// has in memory.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.done
}

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.done }

// ExitCode is how it ended.
func (p *Process) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// Log is all that it has said so far.
func (p *Process) Log() string { return p.log.String() }

// FreePort finds a port of loopback that nobody uses, see FreeAddress.
func FreePort(t *testing.T) int {
	t.Helper()
	return freePorts(t, "127.0.0.1", 1)
}

// FreeAddress finds a port that nobody uses on one of this machine's addresses,
// and gives both, another one each time. It is not one of those that the system
// gives to outgoing connections: members dial all the time, and would take it away
// again.
func FreeAddress(t *testing.T, host string) string {
	t.Helper()
	return net.JoinHostPort(host, strconv.Itoa(freePorts(t, host, 1)))
}

// FirstPort is the least that FreePort gives. Tests that count theirs from etcd's usual
// ones stay below.
const FirstPort = 25_000

// handedOut are the addresses whose ports claim gave to this process's tests.
var handedOut sync.Map

// FreePorts gives the first of so many ports of loopback in a row that nobody uses, as
// FreeAddress does.
func FreePorts(t *testing.T, count int) int {
	t.Helper()
	return freePorts(t, "127.0.0.1", count)
}

func freePorts(t *testing.T, host string, count int) int {
	t.Helper()
	const last, attempts = 32_000, 100
	for range attempts {
		port := FirstPort + rand.IntN(last-FirstPort-count)
		if claim(t, host, port, count) {
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// claim takes ports in a row that are free, and have not been handed out.
func claim(t *testing.T, host string, port, count int) bool {
	t.Helper()
	for p := port; p < port+count; p++ {
		address := net.JoinHostPort(host, strconv.Itoa(p))
		l, err := net.Listen("tcp", address)
		if err != nil {
			return false
		}
		l.Close()
		if _, before := handedOut.LoadOrStore(address, true); before || !reserve(t, p) {
			return false
		}
	}
	return true
}

// reserve keeps other processes from being given a port before the test has ended:
// whoever asked for it does not listen there at once. Where it can't be kept, chance is to
// do.
func reserve(t *testing.T, port int) bool {
	t.Helper()
	if runtime.GOOS != "linux" { // which has names for sockets that are no files
		return true
	}
	l, err := net.Listen("unix", fmt.Sprintf("@etcdctr-test-port-%d", port))
	if err != nil {
		return false
	}
	t.Cleanup(func() { l.Close() })
	return true
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

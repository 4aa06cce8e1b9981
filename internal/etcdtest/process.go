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
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
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

// Start starts etcd with these settings, its environment empty but for env.
// When the test ends, so does the process.
func Start(t *testing.T, env []string, flags ...string) *Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{done: make(chan struct{})}
	p.cmd = exec.Command(self)
	p.cmd.Args = append([]string{"etcd"}, flags...)
	p.cmd.Env = append([]string{}, env...)
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

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.done }

// ExitCode is how it ended.
func (p *Process) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// Log is all that it has said so far.
func (p *Process) Log() string { return p.log.String() }

// FreePort finds a port of loopback that nobody uses.
func FreePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
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

package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/docker/cli/cli/connhelper"
	"github.com/docker/cli/cli/connhelper/commandconn"
	"github.com/docker/cli/cli/connhelper/ssh"
	"github.com/moby/moby/client"
)

// This file reaches engines by ssh. The ssh command is asked, so that all that a
// user has configured for it counts. Docker's own tools start one for each connection
// to the engine, which is a new session every time; here one process is kept for as
// long as the engine is worked with, and each connection is a channel of its own in
// it.

// bySSH is the way to an engine at ssh://.
func bySSH(at string) (way, error) {
	spec, err := ssh.ParseURL(at)
	if err != nil {
		return way{}, err
	}
	t := &tunnel{spec: spec, free: make(chan struct{}, 1)}
	dial := t.dial
	if runtime.GOOS == "windows" { // whose ssh keeps no connection for others
		helper, err := connhelper.GetConnectionHelper(at)
		if err != nil {
			return way{}, err
		}
		dial = helper.Dialer
	}
	return way{place: at, end: t.close, opts: []client.Opt{
		client.WithHost("http://docker.example.com"), client.WithDialContext(dial), client.WithAPIVersionFromEnv(),
	}}, nil
}

// tunnel is one connection of ssh, made when it is first needed, and made anew once
// it has broken.
type tunnel struct {
	spec *ssh.Spec
	free chan struct{} // full while somebody looks after what follows
	kept *session
}

// dial gives a connection to the engine.
func (t *tunnel) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	s, err := t.session(ctx)
	if err != nil {
		return nil, err
	}
	return s.dial(ctx)
}

func (t *tunnel) session(ctx context.Context) (*session, error) {
	select {
	case t.free <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-t.free }()
	if t.kept != nil && t.kept.lives() {
		return t.kept, nil
	}
	if t.kept != nil {
		t.kept.close()
	}
	var err error
	t.kept, err = begin(ctx, t.spec)
	return t.kept, err
}

func (t *tunnel) close() error {
	t.free <- struct{}{}
	defer func() { <-t.free }()
	if t.kept != nil {
		t.kept.close()
		t.kept = nil
	}
	return nil
}

// session is one process of ssh that others go through.
type session struct {
	spec  *ssh.Spec
	dir   string // of its sockets
	cmd   *exec.Cmd
	said  *words
	ended chan struct{}
	// forwards tells that the other side lets a socket be forwarded. Where it does
	// not, the docker command there stands in, as for Docker's own tools.
	forwards bool
}

// How ssh is waited for. A machine that is switched off answers nothing at all.
const (
	sshOptions = "-oConnectTimeout=10 -oServerAliveInterval=3 -oServerAliveCountMax=2 -oControlPersist=no"
	sshGlance  = 10 * time.Millisecond
	sshProbe   = 5 * time.Second
)

// engineSocket is where engines listen on their machines.
const engineSocket = "/var/run/docker.sock"

// begin connects.
func begin(ctx context.Context, spec *ssh.Spec) (*session, error) {
	dir, err := os.MkdirTemp("", "etcdctr-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a folder for ssh's sockets: %w", err)
	}
	s := &session{spec: spec, dir: dir, said: &words{}, ended: make(chan struct{})}
	socket := engineSocket
	if strings.Trim(spec.Path, "/") != "" {
		socket = spec.Path
	}
	args := append(strings.Fields(sshOptions), "-M", "-N", "-T", "-S", s.control(), "-L", s.socket()+":"+socket)
	s.cmd = exec.Command("ssh", append(args, spec.Args()...)...)
	s.cmd.Stderr = s.said
	apart(s.cmd)
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	go func() {
		_ = s.cmd.Wait() // what it said tells more
		close(s.ended)
	}()
	if err := s.await(ctx); err != nil {
		s.close()
		return nil, err
	}
	s.forwards = s.probe(ctx)
	return s, nil
}

func (s *session) control() string { return filepath.Join(s.dir, "c") }
func (s *session) socket() string  { return filepath.Join(s.dir, "s") }

// await waits until ssh is connected, which is when it listens for others.
func (s *session) await(ctx context.Context) error {
	ticker := time.NewTicker(sshGlance)
	defer ticker.Stop()
	for _, socket := range []string{s.socket(), s.control()} {
		for {
			_, err := os.Stat(socket)
			if err == nil {
				break
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			select {
			case <-s.ended:
				return fmt.Errorf("ssh has ended, stderr=%s", s.said)
			case <-ctx.Done():
				return fmt.Errorf("ssh is not connected yet (%w), stderr=%s", context.Cause(ctx), s.said)
			case <-ticker.C:
			}
		}
	}
	return nil
}

// probe tries whether anything comes back through the forwarded socket: where the
// other side lets none be, ssh takes connections all the same, and closes them.
func (s *session) probe(ctx context.Context) bool {
	conn, err := s.forwarded(ctx)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(sshProbe)) // a socket has deadlines
	if _, err := conn.Write([]byte("GET /_ping HTTP/1.0\r\n\r\n")); err != nil {
		return false
	}
	n, _ := conn.Read(make([]byte, 1)) // one byte is answer enough
	return n > 0
}

func (s *session) forwarded(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", s.socket())
}

// dial gives a connection to the engine in the session.
func (s *session) dial(ctx context.Context) (net.Conn, error) {
	if s.forwards {
		return s.forwarded(ctx)
	}
	command := []string{"docker", "system", "dial-stdio"}
	if strings.Trim(s.spec.Path, "/") != "" {
		command = []string{"docker", "--host=unix://" + s.spec.Path, "system", "dial-stdio"}
	}
	args, err := s.spec.Command([]string{"-T", "-oControlMaster=no", "-S", s.control()}, command...)
	if err != nil {
		return nil, err
	}
	return commandconn.New(ctx, "ssh", args...)
}

func (s *session) lives() bool {
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// close ends ssh, and takes its sockets away.
func (s *session) close() {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.ended
	_ = os.RemoveAll(s.dir) // two sockets in a folder for what is temporary
}

// words keeps what a program says.
type words struct {
	mu   sync.Mutex
	text bytes.Buffer
}

const mostWords = 4 << 10

func (w *words) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.text.Len() < mostWords {
		w.text.Write(p)
	}
	return len(p), nil
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

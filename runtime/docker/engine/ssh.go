package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/docker/cli/cli/connhelper"
	"github.com/docker/cli/cli/connhelper/commandconn"
	"github.com/docker/cli/cli/connhelper/ssh"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/internal/lockfile"
	"github.com/etcdctr/etcdctr/internal/scratch"
)

// This file reaches engines by ssh. The ssh command is asked, so that all that a
// user has configured for it counts. Docker's own tools start one for each connection
// to the engine, which is a new session every time; here each connection is a channel
// of its own in one session, which stays for a while, so that the next command finds it.

// bySSH is the way to an engine at ssh://.
func bySSH(at string) (way, error) {
	spec, err := ssh.ParseURL(at)
	if err != nil {
		return way{}, err
	}
	t := &tunnel{at: at, spec: spec, free: make(chan struct{}, 1)}
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

// tunnel leads through a session of ssh, which is looked for when it is first needed,
// and again once it has broken.
type tunnel struct {
	at   string
	spec *ssh.Spec
	free chan struct{} // full while somebody looks after what follows
	used *session
}

// dial gives a connection to the engine.
func (t *tunnel) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	s, err := t.session(ctx, nil)
	if err != nil {
		return nil, err
	}
	conn, err := s.dial(ctx)
	if err == nil || ctx.Err() != nil {
		return conn, err
	}
	if s, err = t.session(ctx, s); err != nil {
		return nil, err
	}
	return s.dial(ctx)
}

// session gives the one in use, unless that is the broken one.
func (t *tunnel) session(ctx context.Context, broken *session) (*session, error) {
	select {
	case t.free <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-t.free }()
	if t.used != nil && t.used != broken {
		return t.used, nil
	}
	t.leave()
	var err error
	t.used, err = t.enter(ctx)
	return t.used, err
}

// enter finds a session that an earlier command has left, or begins one.
func (t *tunnel) enter(ctx context.Context) (*session, error) {
	s := &session{spec: t.spec}
	var err error
	if s.dir, err = keptIn(ctx, t.at, t.spec); err != nil {
		s.passing = true
		if s.dir, s.remove, err = scratch.Make("", "etcdctr-ssh"); err != nil {
			return nil, fmt.Errorf("cannot make a folder for ssh's sockets: %w", err)
		}
	}
	release, err := lockfile.Acquire(ctx, s.dir)
	if err != nil {
		return nil, err
	}
	if !s.found(ctx) {
		if !s.passing {
			sweep(filepath.Dir(s.dir), s.dir)
		}
		err = s.begin(ctx)
	}
	if err = errors.Join(err, release()); err != nil {
		s.leave()
		return nil, err
	}
	return s, nil
}

func (t *tunnel) leave() {
	if t.used != nil {
		t.used.leave()
		t.used = nil
	}
}

func (t *tunnel) close() error {
	t.free <- struct{}{}
	defer func() { <-t.free }()
	t.leave()
	return nil
}

// session is one process of ssh that others go through. It ends by itself.
type session struct {
	spec    *ssh.Spec
	dir     string       // of its sockets
	passing bool         // no later command finds it
	remove  func() error // the folder of one that passes
	// forwards tells that the other side lets a socket be forwarded. Where it does
	// not, the docker command there stands in, as for Docker's own tools.
	forwards bool
}

// How ssh is waited for, and how long it waits for the next command. A machine that is
// switched off answers nothing at all.
const (
	sshOptions = "-oConnectTimeout=10 -oServerAliveInterval=3 -oServerAliveCountMax=2 -oControlPersist=60"
	sshProbe   = 5 * time.Second // of a session that has just begun
	sshGlance  = 2 * time.Second // of one that was found
	sshEnd     = time.Second
)

// engineSocket is where engines listen on their machines.
const engineSocket = "/var/run/docker.sock"

func (s *session) control() string { return filepath.Join(s.dir, "c") }
func (s *session) socket() string  { return filepath.Join(s.dir, "s") }

// found tells whether there is a session that still leads to its machine. It ends one
// that does not.
func (s *session) found(ctx context.Context) bool {
	if s.passing {
		return false
	}
	if _, err := os.Lstat(s.socket()); err == nil {
		s.forwards = s.probe(ctx, sshGlance)
		return s.forwards
	}
	return s.answers()
}

// answers tells whether a process of ssh listens for those who go through it.
func (s *session) answers() bool {
	conn, err := net.Dial("unix", s.control())
	if err == nil {
		_ = conn.Close() // nothing was said
	}
	return err == nil
}

// begin connects. The process that is waited for here ends as soon as it has left
// another behind that is connected.
func (s *session) begin(ctx context.Context) error {
	s.end()
	said, err := os.CreateTemp(s.dir, "said")
	if err != nil {
		return err
	}
	defer os.Remove(said.Name())
	defer said.Close()
	socket := engineSocket
	if strings.Trim(s.spec.Path, "/") != "" {
		socket = s.spec.Path
	}
	args := append(strings.Fields(sshOptions), "-M", "-N", "-T", "-S", s.control(), "-L", s.socket()+":"+socket)
	cmd := exec.CommandContext(ctx, "ssh", append(args, s.spec.Args()...)...)
	cmd.Stderr = said // a file: a pipe would be waited for
	apart(cmd)
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return err
		}
		words, _ := os.ReadFile(said.Name()) // without them the error has to do
		return fmt.Errorf("ssh does not connect (%w), stderr=%s", errors.Join(context.Cause(ctx), err), words)
	}
	if s.forwards = s.probe(ctx, sshProbe); !s.forwards {
		_ = os.Remove(s.socket()) // which tells those who find the session
	}
	return nil
}

// probe tries whether anything comes back through the forwarded socket: where the
// other side lets none be, ssh takes connections all the same, and closes them.
func (s *session) probe(ctx context.Context, patience time.Duration) bool {
	conn, err := s.forwarded(ctx)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience)) // a socket has deadlines
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
	if _, err := os.Lstat(s.control()); err != nil {
		return nil, err
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

// leave has a session that nobody finds end now.
func (s *session) leave() {
	if s.passing {
		s.end()
		_ = s.remove() // two sockets in a folder for what is temporary
	}
}

// end ends the process, if there is one, and takes its sockets away.
func (s *session) end() {
	if _, err := os.Lstat(s.control()); err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), sshEnd)
		defer cancel()
		args := append([]string{"-S", s.control(), "-O", "exit"}, s.spec.Args()...)
		_ = exec.CommandContext(ctx, "ssh", args...).Run() // it may have ended
	}
	_, _ = os.Remove(s.control()), os.Remove(s.socket())
}

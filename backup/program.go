package backup

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
	goruntime "runtime"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-semver/semver"

	"github.com/etcdctr/etcdctr/internal/scratch"
	"github.com/etcdctr/etcdctr/member"
)

// Program is an etcd.
type Program struct {
	Path  string // it is etcd when it is called by that name
	Given bool   // named by the user: no other will do
}

func (p Program) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.Path, args...)
	cmd.Args[0] = "etcd"
	cmd.Env = []string{} // settings of etcd's are none of it
	return cmd
}

// version asks a program for its version.
func (p Program) version(ctx context.Context) (*semver.Version, error) {
	out, err := p.command(ctx, "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("cannot ask %s for its version: %w", p.Path, err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	number, ok := strings.CutPrefix(line, "etcd Version: ")
	if !ok {
		return nil, fmt.Errorf("%s is no etcd: asked for its version it says %q", p.Path, line)
	}
	return semver.NewVersion(number)
}

// Where a member listens that carries out its log: at sockets in the folder that
// it runs in, which nobody else can enter.
const clientSocket, peerSocket = "client", "peer"

// stopAfter is how long a member may take that was asked to end, besides what writing
// its data may take.
const stopAfter = 30 * time.Second

// errKilled is the error of a member that did not end by itself.
var errKilled = errors.New("it did not end when it was asked to: what its log held may not be in its database")

// carryOut starts a member on a data folder, as a cluster of its own, and ends it
// once it serves: then all that its log held is in its database.
func (p Program) carryOut(ctx context.Context, dir string) error {
	data, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	size, err := sizeOf(data)
	if err != nil {
		return err
	}
	run, remove, err := scratch.Make("", "etcdctr-run")
	if err != nil {
		return err
	}
	defer func() { _ = remove() }()
	sockets, err := os.Open(run)
	if err != nil {
		return err
	}
	defer sockets.Close()
	goruntime.LockOSThread() // on which child depends
	defer goruntime.UnlockOSThread()
	running, stop := context.WithCancel(ctx)
	defer stop()
	cmd := p.command(running,
		"--name=copy", "--data-dir="+data, "--force-new-cluster", "--unsafe-no-fsync",
		"--listen-client-urls=unix://"+clientSocket, "--advertise-client-urls=http://localhost:2379",
		"--listen-peer-urls=unix://"+peerSocket, "--initial-advertise-peer-urls=http://localhost:2380", "--initial-cluster=copy=http://localhost:2380",
	)
	var said tail
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = run, &said, &said, child()
	cmd.Cancel, cmd.WaitDelay = func() error { return cmd.Process.Signal(syscall.SIGTERM) }, stopAfter+member.TimeFor(size)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait(); stop() }()
	err = served(running, sockets, member.DefaultProgress+member.TimeFor(size))
	stop()
	exit := <-ended
	if err == nil && wasKilled(cmd.ProcessState) {
		err = errKilled
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("etcd could not carry out the log: %w\netcd says: %s", errors.Join(exit, err), said.text())
	}
	return nil
}

// wasKilled tells that a process ended in no way of its own.
func wasKilled(s *os.ProcessState) bool {
	status, ok := s.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// sizeOf is how many bytes a member of this data folder reads before it serves: its
// database, and its log.
func sizeOf(dir string) (int64, error) {
	var all int64
	err := filepath.WalkDir(filepath.Join(dir, "member"), func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			all += info.Size()
		}
		return err
	})
	return all, err
}

// served waits until the member answers: to be refused by etcd's users is an
// answer, too.
func served(ctx context.Context, sockets *os.File, patience time.Duration) error {
	c, err := member.New(member.Config{
		Patience: member.Patience{Progress: patience},
		URLs:     map[string]string{"copy": "http://localhost:2379"},
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", pathIn(sockets, clientSocket))
		},
	})
	if err != nil {
		return err
	}
	return errors.Join(c.WaitServing(ctx), c.Close())
}

// tail keeps the last of what is written.
type tail struct{ last []byte }

const tailBytes = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.last = append(t.last, p...)
	if over := len(t.last) - tailBytes; over > 0 {
		t.last = append(t.last[:0], t.last[over:]...)
	}
	return len(p), nil
}

// text is the last line.
func (t *tail) text() string {
	lines := bytes.Split(bytes.TrimSpace(t.last), []byte("\n"))
	return string(lines[len(lines)-1])
}

//go:build e2e && linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/process"
)

// This file has every disaster on every release of etcd, on an engine and as
// processes, under a client that remembers each write that was acknowledged. What
// was lost, and how long nothing was served, is a line of a table each.

// disaster is something that goes wrong.
type disaster struct {
	name   string
	strike func(*stricken)
	// mend is what a person types.
	mend func(*stricken)
	// physics says that what nobody has any more may be lost.
	physics bool
}

var disasters = []disaster{
	{
		name:   "one member and its data are gone",
		strike: func(s *stricken) { s.lose(s.followers()[0]) },
		mend:   func(s *stricken) { s.must("member", "replace", s.followers()[0]) },
	},
	{
		name:   "the leader and its data are gone",
		strike: func(s *stricken) { s.lose(s.leader) },
		mend:   func(s *stricken) { s.must("member", "replace", s.leader) },
	},
	{
		name:   "two members and their data are gone, the leader runs",
		strike: func(s *stricken) { s.lose(s.followers()...) },
		mend:   func(s *stricken) { s.must("recover", "--yes") },
	},
	{
		name: "two members and their data are gone, a follower runs",
		strike: func(s *stricken) {
			s.lose(s.leader, s.followers()[0])
		},
		mend: func(s *stricken) { s.must("recover", "--yes") }, physics: true,
	},
	{
		name: "two members and their data are gone, the leader was killed",
		strike: func(s *stricken) {
			s.powerCut()
			s.lose(s.followers()...)
		},
		mend: func(s *stricken) { s.must("recover", "--yes") },
	},
	{
		name: "two members and their data are gone, the leader was started again",
		strike: func(s *stricken) {
			s.lose(s.followers()...)
			s.startAgain(s.leader)
		},
		mend: func(s *stricken) {
			if out, err := s.command("restart").CombinedOutput(); err == nil || !strings.Contains(string(out), "etcdctr recover") {
				s.t.Errorf("to restart it is not refused: %v\n%s", err, out)
			}
			if out, err := s.command("doctor").CombinedOutput(); err == nil || !strings.Contains(string(out), "etcdctr recover") {
				s.t.Errorf("the doctor names no way out: %v\n%s", err, out)
			}
			s.must("recover", "--yes")
		},
	},
	{
		name:   "all are killed at once",
		strike: (*stricken).powerCut,
		mend:   func(s *stricken) { s.must("up", s.detached()) },
	},
	{
		name: "all members and their data are gone, a continuous backup is there",
		strike: func(s *stricken) {
			s.powerCut()
			s.lose(s.names()...)
		},
		mend: func(s *stricken) { s.must("restore", "backups", "--yes") }, physics: true,
	},
	{
		name: "the database is full",
		strike: func(s *stricken) {
			c := s.client()
			defer c.Close()
			value := strings.Repeat("x", 1_000_000)
			for range 100 {
				if _, err := c.Put(s.t.Context(), "big", value); err != nil {
					return
				}
			}
			s.t.Fatal("the database takes everything")
		},
		mend: func(s *stricken) { s.must("compact", "--recover") },
	},
}

func TestDisastersOfProcessesWith35(t *testing.T)  { strikeAll(t, "process", 5) }
func TestDisastersOfProcessesWith36(t *testing.T)  { strikeAll(t, "process", 6) }
func TestDisastersOfProcessesWith37(t *testing.T)  { strikeAll(t, "process", 7) }
func TestDisastersOfContainersWith35(t *testing.T) { strikeAll(t, "docker", 5) }
func TestDisastersOfContainersWith36(t *testing.T) { strikeAll(t, "docker", 6) }
func TestDisastersOfContainersWith37(t *testing.T) { strikeAll(t, "docker", 7) }

func strikeAll(t *testing.T, runtime string, minor int) {
	t.Helper()
	for _, d := range disasters {
		t.Run(d.name, func(t *testing.T) {
			s := newStricken(t, runtime, minor)
			s.follow()
			s.settle(settledWrites)
			d.strike(s)
			struck := time.Now()
			s.rest(time.Second) // some writes fail, unless the others serve
			s.stopFollowing()
			d.mend(s)
			s.settle(settledWrites)
			acknowledged, lost, out := s.judge(struck)
			t.Logf("3.%d | %s | %s | %d | %d | %.1f s", minor, runtime, d.name, acknowledged, lost, out.Seconds())
			if lost > 0 && !d.physics {
				t.Errorf("%d of %d acknowledged writes are lost", lost, acknowledged)
			}
			s.must("health")
		})
	}
}

// stricken is a cluster that something happens to.
type stricken struct {
	t         *testing.T
	dir, name string
	runtime   string
	ports     map[string]int
	leader    string
	following *exec.Cmd
	writing   *activity

	mu   sync.Mutex
	acks []ack
}

func newStricken(t *testing.T, runtime string, minor int) *stricken {
	t.Helper()
	s := &stricken{t: t, dir: t.TempDir(), name: uniqueName(namePrefix), runtime: runtime, ports: map[string]int{}}
	text := fmt.Sprintf("name: %s\nruntime: %s\ntls: none\npublish: loopback\nquota-backend-bytes: 32MiB\nbackup: {destination: backups, continuous: true, service: false}\nmembers:\n", s.name, runtime)
	for _, name := range []string{"etcd1", "etcd2", "etcd3"} {
		s.ports[name] = memberPorts(t)
		text += fmt.Sprintf("- {name: %s, client-port: %d}\n", name, s.ports[name])
	}
	if runtime == "docker" {
		text += "image: " + etcdImage(t, minor) + "\n"
	} else {
		text += "etcd-binary: " + etcdBinary(t, minor, "etcd") + "\n"
	}
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), text)
	t.Cleanup(func() {
		if out, err := s.command("down", "--volumes", "--yes", "--no-backup").CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	s.must("up", s.detached())
	s.findLeader()
	s.writing = begin(t, s.write)
	return s
}

func (s *stricken) command(args ...string) *exec.Cmd {
	cmd := exec.Command(etcdctrBinary(s.t), args...)
	cmd.Dir = s.dir
	return cmd
}

// must runs a command that has to succeed.
func (s *stricken) must(args ...string) {
	s.t.Helper()
	args = slices.DeleteFunc(args, func(a string) bool { return a == "" })
	if out, err := s.command(args...).CombinedOutput(); err != nil {
		s.t.Fatalf("etcdctr %v: %v\n%s", args, err, out)
	}
}

// detached is the flag of up that has processes go on.
func (s *stricken) detached() string {
	if s.runtime == "docker" {
		return ""
	}
	return "--detach"
}

func (s *stricken) names() []string { return slices.Sorted(maps.Keys(s.ports)) }

func (s *stricken) followers() []string {
	return slices.DeleteFunc(s.names(), func(n string) bool { return n == s.leader })
}

func (s *stricken) client() *clientv3.Client {
	s.t.Helper()
	var endpoints []string
	for _, name := range s.names() {
		endpoints = append(endpoints, fmt.Sprintf("http://127.0.0.1:%d", s.ports[name]))
	}
	c, err := clientv3.New(clientv3.Config{Endpoints: endpoints, Logger: zap.NewNop(), DialTimeout: time.Second})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *stricken) findLeader() {
	s.t.Helper()
	c := s.client()
	defer c.Close()
	for name, port := range s.ports {
		r, err := c.Status(s.t.Context(), fmt.Sprintf("http://127.0.0.1:%d", port))
		if err != nil {
			s.t.Fatal(err)
		}
		if r.Leader == r.Header.MemberId {
			s.leader = name
		}
	}
}

// write writes one key after the other, and remembers those that are acknowledged.
func (s *stricken) write(ctx context.Context) {
	c := s.client()
	defer c.Close()
	for i := 0; ctx.Err() == nil; i++ {
		key := fmt.Sprintf("written/%06d", i)
		once, cancel := context.WithTimeout(ctx, loadTimeout)
		r, err := c.Put(once, key, key)
		cancel()
		if err == nil {
			s.mu.Lock()
			s.acks = append(s.acks, ack{key, r.Header.Revision, time.Now()})
			s.mu.Unlock()
		}
		time.Sleep(loadPace)
	}
}

func (s *stricken) acknowledged() []ack {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.acks)
}

// settle waits until so many more writes are acknowledged.
func (s *stricken) settle(more int) {
	s.t.Helper()
	before := len(s.acknowledged())
	eventually(s.t, "writes to be acknowledged", func() error {
		if got := len(s.acknowledged()) - before; got < more {
			return fmt.Errorf("%d of %d", got, more)
		}
		return nil
	})
}

func (s *stricken) rest(d time.Duration) { time.Sleep(d) }

// judge ends the writing, and tells what is lost and for how long nothing was
// acknowledged.
func (s *stricken) judge(struck time.Time) (acknowledged, lost int, out time.Duration) {
	s.t.Helper()
	s.writing.end()
	acknowledged, lost = s.lost()
	last := struck
	for i, a := range s.acknowledged() {
		if i > 0 && a.at.After(struck) {
			out = max(out, a.at.Sub(last))
			last = a.at
		}
	}
	return acknowledged, lost, out
}

// lost counts the writes that were acknowledged, and those of them that are not there.
func (s *stricken) lost() (acknowledged, lost int) {
	s.t.Helper()
	c := s.client()
	defer c.Close()
	r, err := c.Get(s.t.Context(), "written/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		s.t.Fatal(err)
	}
	there := map[string]bool{}
	for _, kv := range r.Kvs {
		there[string(kv.Key)] = true
	}
	all := s.acknowledged()
	for _, a := range all {
		if !there[a.key] {
			lost++
		}
	}
	return len(all), lost
}

// follow keeps continuous backups until they are stopped.
func (s *stricken) follow() {
	s.t.Helper()
	s.following = s.command("backup", "run")
	if err := s.following.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.stopFollowing)
	eventually(s.t, "the first backup", func() error {
		files, err := filepath.Glob(filepath.Join(s.dir, "backups", "*.events.zst"))
		if err == nil && len(files) == 0 {
			err = errors.New("no changes are kept yet")
		}
		return err
	})
}

func (s *stricken) stopFollowing() {
	if s.following != nil {
		_ = s.following.Process.Signal(os.Interrupt) // it may have ended
		_ = s.following.Wait()                       // interrupted
	}
	s.following = nil
}

func (s *stricken) home() process.Home {
	return process.Home{Dir: filepath.Join(s.dir, ".etcdctr", s.name)}
}

// lose takes members with their data, as the loss of a machine does.
func (s *stricken) lose(names ...string) {
	s.t.Helper()
	for _, name := range names {
		if s.runtime == "docker" {
			run(s.t, s.dir, "docker", "rm", "--force", s.name+"-"+name+"-1")
			run(s.t, s.dir, "docker", "volume", "rm", s.name+"_"+name+"-data")
			continue
		}
		if err := os.RemoveAll(filepath.Join(s.home().Dir, name, "data")); err != nil {
			s.t.Fatal(err)
		}
		s.killProcess(name)
	}
}

// startAgain has a member start anew that etcdctr does not stop.
func (s *stricken) startAgain(name string) {
	s.t.Helper()
	if s.runtime == "docker" {
		run(s.t, s.dir, "docker", "restart", s.name+"-"+name+"-1")
		return
	}
	s.killProcess(name) // and whoever keeps it running starts it
}

func (s *stricken) killProcess(name string) {
	state, err := s.home().State()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range state.Members {
		if m.Name == name && m.Process.Alive() {
			_ = syscall.Kill(m.Process.PID, syscall.SIGKILL) // it may end by itself
		}
	}
}

// powerCut kills everything at once.
func (s *stricken) powerCut() {
	s.t.Helper()
	if s.runtime == "docker" {
		var containers []string
		for _, name := range s.names() {
			containers = append(containers, s.name+"-"+name+"-1")
		}
		run(s.t, s.dir, "docker", append([]string{"kill"}, containers...)...)
		return
	}
	state, err := s.home().State()
	if err != nil {
		s.t.Fatal(err)
	}
	kill9(s.t, state.Supervisor)
	for _, m := range state.Members {
		_ = syscall.Kill(m.Process.PID, syscall.SIGKILL) // it may have ended with its supervisor
	}
}

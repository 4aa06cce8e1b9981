//go:build e2e && linux

package e2e

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// What the cluster runs itself beside its members goes on while its authorities are
// replaced, and nobody is asked to see to it: who takes the backups, Prometheus, and a
// dashboard that somebody has open.

// backedUp is a cluster with a service that takes its backups.
type backedUp struct {
	t       *testing.T
	etcdctr func(args ...string) (string, error)
	backups string // their folder
	fetch   func() // brings what is new there; nil where nobody has to
	said    int    // how much the service had said when it was well for the first time
}

func (s *stack) backedUp(backups string) *backedUp {
	return &backedUp{t: s.t, backups: backups, etcdctr: func(args ...string) (string, error) {
		if args[0] == "certs" {
			return s.tryRotate(args[2:]...)
		}
		return s.tryEtcdctr(args[0], args[1:]...)
	}}
}

func (o *backedUp) do(args ...string) string {
	o.t.Helper()
	out, err := o.etcdctr(args...)
	if err != nil {
		o.t.Fatalf("etcdctr %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// files are those of the backups by a pattern.
func (o *backedUp) files(pattern string) []string {
	o.t.Helper()
	if o.fetch != nil {
		o.fetch()
	}
	files, err := filepath.Glob(filepath.Join(o.backups, pattern))
	if err != nil {
		o.t.Fatal(err)
	}
	return files
}

// upTo are the revisions up to which files of changes go, by the end of their names.
var upTo = regexp.MustCompile(`-(\d+)\.events\.zst$`)

// wantKept writes, once there is a whole backup, and waits until that is in what is kept
// besides.
func (o *backedUp) wantKept() {
	o.t.Helper()
	eventually(o.t, "a backup", func() error {
		if len(o.files("*.tar.zst")) == 0 {
			return errors.New("there is none")
		}
		return nil
	})
	var put struct{ Header struct{ Revision int } }
	decode(o.t, o.do("etcdctl", "put", "key", "value", "--write-out", "json"), &put)
	eventually(o.t, fmt.Sprintf("revision %d to be kept", put.Header.Revision), func() error {
		files := o.files("*.events.zst")
		for _, file := range files {
			if m := upTo.FindStringSubmatch(file); m != nil {
				if revision, err := strconv.Atoi(m[1]); err == nil && revision >= put.Header.Revision {
					return nil
				}
			}
		}
		return fmt.Errorf("the files are %q", files)
	})
	if o.said == 0 { // before, its user and the members were about to come
		o.said = len(o.do("logs", "backup"))
	}
}

// wantNeverRefused wants the service to have been let in by all members, and to have
// trusted them, since it was well. One that starts anew may not answer for a moment.
func (o *backedUp) wantNeverRefused() {
	o.t.Helper()
	said := o.do("logs", "backup")[o.said:]
	for _, word := range []string{"tls: ", "x509: ", "refused;"} {
		if strings.Contains(said, word) {
			o.t.Errorf("the service that takes the backups says\n%s", said)
			return
		}
	}
}

func TestARotationAsksNobodyForWhatTheClusterRunsItself(t *testing.T) {
	s := newStack(t)
	_, p := s.monitored("auth: {enabled: true}\nbackup: {destination: backups, continuous: true}\n")
	s.etcdctr("up")
	o := s.backedUp(filepath.Join(s.dir, "backups"))
	o.wantKept()
	const targets = 3 + 1
	p.wantScraped(targets)
	cmd := exec.Command(etcdctrBinary(t), "dashboard", "--name", s.name)
	cmd.Dir = s.dir
	b := startDashboard(t, cmd)

	want := func(what string) {
		t.Helper()
		o.wantKept()
		p.wantScraped(targets)
		eventually(t, "the dashboard, "+what, func() error {
			if now := b.seen(); now.Word != "healthy" {
				return errors.New(now.Word)
			}
			return nil
		})
	}
	for _, args := range []string{
		"certs rotate-ca --stage begin", "restart", "certs rotate-ca --stage switch", "certs rotate-ca --stage finish", "certs rotate-ca",
		"certs rotate-ca --stage begin", "certs rotate-ca", // another one
		"certs rotate-ca --now",
	} {
		out := o.do(strings.Fields(args)...)
		if strings.Contains(out, "--clients-ready") {
			t.Errorf("%s asks somebody:\n%s", args, out)
		}
		want(args)
		if args != "certs rotate-ca --now" { // which ends every connection
			o.wantNeverRefused()
		}
	}
	p.wantSeries(`etcdctr_backup_failing == 0`)
	p.wantAlerts()
	for _, member := range []string{"etcd1", "etcd2", "etcd3"} {
		s.etcdctl(member, "endpoint", "health") // as its health check does
	}
}

// Interrupted wherever it can be, it goes on when it is typed again, and the backups go on
// in between.
func TestARotationIsInterruptedUnderTheServiceThatTakesTheBackups(t *testing.T) {
	l := newLocal(t)
	writeFile(t, filepath.Join(l.dir, "etcdctr.yaml"), "runtime: process\nauth: {enabled: true}\nbackup: {destination: backups, continuous: true}\n")
	l.etcdctr("up", "--detach")
	o := &backedUp{t: t, etcdctr: l.try, backups: filepath.Join(l.dir, "backups")}
	o.wantKept()
	before := readFile(t, filepath.Join(l.dir, "certs/ca/client/tls.crt"))
	i := l.interrupted()
	for i.once(syscall.SIGINT, "certs", "rotate-ca") {
		if i.kills++; i.kills == mostKills {
			t.Fatal("it comes to no end")
		}
		if i.kills%3 == 0 {
			o.wantKept()
		}
	}
	o.wantKept()
	o.wantNeverRefused()
	wantKills(t, i.kills)
	l.etcdctr("verify")
	if readFile(t, filepath.Join(l.dir, "certs/ca/client/tls.crt")) == before {
		t.Error("the authority is the old one")
	}
}

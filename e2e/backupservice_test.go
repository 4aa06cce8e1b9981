//go:build e2e

package e2e

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// A service of the stack takes the backups, with a certificate and a user of its own,
// in a container and as a process.
func TestAServiceTakesTheBackups(t *testing.T) {
	const file = "auth: {enabled: true, roles: {}, users: {}}\nbackup: {destination: backups, every: 1m, continuous: true}\n"
	t.Run("in a container", func(t *testing.T) {
		s := newStack(t)
		writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), file)
		s.etcdctr("up")
		wantBackups(t, s.dir, func(args ...string) (string, error) { return s.tryEtcdctr(args[0], args[1:]...) })
		wantItsOwnUser(t, func(args ...string) (string, error) { return s.tryEtcdctr(args[0], args[1:]...) }, "up")
		s.compose("ps") // it is Compose's as well
		if out := s.etcdctr("up", "--dry-run"); strings.Contains(out, "backup") {
			t.Errorf("up would change it: %s", out)
		}
		s.etcdctr("down", "--volumes", "--yes")
		if left := run(t, s.dir, "docker", "ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project="+s.name); left != "" {
			t.Errorf("down leaves %s", left)
		}
	})
	t.Run("as a process", func(t *testing.T) {
		l := newLocal(t)
		writeFile(t, filepath.Join(l.dir, "etcdctr.yaml"), "runtime: process\n"+file)
		l.etcdctr("up", "--detach")
		wantBackups(t, l.dir, l.try)
		wantItsOwnUser(t, l.try, "up", "--detach")
	})
}

// wantBackups wants a backup, the changes after it, and nothing to complain of.
func wantBackups(t *testing.T, dir string, etcdctr func(args ...string) (string, error)) {
	t.Helper()
	do := func(args ...string) string {
		out, err := etcdctr(args...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	there := func(pattern string) func() error {
		return func() error {
			files, err := filepath.Glob(filepath.Join(dir, "backups", pattern))
			if err == nil && len(files) == 0 {
				err = errors.New("there is none")
			}
			return err
		}
	}
	eventually(t, "a backup", there("*.tar.zst"))
	do("etcdctl", "put", "greeting", "hello")
	eventually(t, "what happened after it", there("*.events.zst"))
	if out := do("ps"); !strings.Contains(out, "backup ") {
		t.Errorf("ps shows %s", out)
	}
	do("health")
	if out := do("etcdctl", "user", "get", "backup"); !strings.Contains(out, "root") {
		t.Errorf("its user is %s", out)
	}
}

// wantItsOwnUser takes the role from the user of the service, which is refused then, until
// up gives it back.
func wantItsOwnUser(t *testing.T, etcdctr func(args ...string) (string, error), up ...string) {
	t.Helper()
	if _, err := etcdctr("etcdctl", "user", "revoke-role", "backup", "root"); err != nil {
		t.Fatal(err)
	}
	const refused = "etcd's users do not permit it"
	eventually(t, "a backup to be refused", func() error {
		out, err := etcdctr("logs", "backup")
		if err == nil && !strings.Contains(out, refused) {
			err = errors.New(out)
		}
		return err
	})
	if _, err := etcdctr(up...); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a backup to be taken again", func() error {
		out, err := etcdctr("logs", "backup")
		if err == nil && !strings.Contains(out[strings.LastIndex(out, refused):], ": revision ") {
			err = errors.New(out)
		}
		return err
	})
}

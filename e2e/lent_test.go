//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// lender is a runtime on which members are given folders and volumes.
type lender struct {
	t      *testing.T
	dir    string
	head   string // of the cluster file
	try    func(args ...string) (string, error)
	volume string // one that somebody has made; a folder where there are none
}

func eachLender(t *testing.T, test func(*testing.T, *lender)) {
	t.Helper()
	t.Run("docker", func(t *testing.T) {
		s := newStack(t)
		volume := s.name + "-lent"
		t.Cleanup(func() { // before the stack's own
			_, _ = s.clean("down", "--volumes", "--timeout", "0")
			if _, err := output(exec.Command("docker", "volume", "rm", volume), ""); err != nil {
				t.Error(err)
			}
		})
		run(t, "", "docker", "volume", "create", volume)
		test(t, &lender{
			t: t, dir: s.dir, head: "name: " + s.name + "\nimage: " + s.ref + "\ntls: none\nmembers:\n", volume: volume,
			try: func(args ...string) (string, error) {
				return output(exec.CommandContext(t.Context(), etcdctrBinary(t), args...), s.dir)
			},
		})
	})
	t.Run("process", func(t *testing.T) {
		l := newLocal(t)
		lent := &lender{t: t, dir: l.dir, head: "name: lent\nruntime: process\ntls: none\nmembers:\n"}
		lent.try = func(args ...string) (string, error) {
			if args[0] == "up" {
				args = append(args, "--detach")
			}
			return l.try(args...)
		}
		lent.volume = lent.folder("instead-of-a-volume")
		test(t, lent)
	})
}

// folder makes one.
func (l *lender) folder(name string) string {
	l.t.Helper()
	dir := filepath.Join(l.dir, "disks", name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		l.t.Fatal(err)
	}
	return dir
}

// describe writes the cluster file, by members' names and what they are given.
func (l *lender) describe(members ...string) {
	l.t.Helper()
	text := l.head
	for _, m := range members {
		name, data, given := strings.Cut(m, "=")
		if text += "  - name: " + name + "\n"; given {
			text += "    data: " + data + "\n"
		}
	}
	writeFile(l.t, filepath.Join(l.dir, "etcdctr.yaml"), text)
}

func (l *lender) must(args ...string) string {
	l.t.Helper()
	out, err := l.try(args...)
	if err != nil {
		l.t.Fatalf("etcdctr %v: %v", args, err)
	}
	return out
}

func (l *lender) wantRefused(reason string, args ...string) {
	l.t.Helper()
	_, err := l.try(args...)
	if err == nil || !strings.Contains(err.Error(), reason) {
		l.t.Errorf("etcdctr %v: %v\nwant it refused: %s", args, err, reason)
	}
}

// wantValue wants what was written.
func (l *lender) wantValue(value string) {
	l.t.Helper()
	if got := strings.TrimSpace(l.must("etcdctl", "get", "key", "--print-value-only")); got != value {
		l.t.Errorf("read %q, want %q", got, value)
	}
}

// TestWhatMembersAreGivenIsNeverDeleted gives two members of three what somebody
// else has made, deletes the cluster with its data, and goes by the hints to the same
// cluster again.
func TestWhatMembersAreGivenIsNeverDeleted(t *testing.T) {
	eachLender(t, func(t *testing.T, l *lender) {
		one, two := "etcd1="+l.folder("one"), "etcd2="+l.volume
		l.describe(one, two, "etcd3")
		l.must("up")
		l.must("etcdctl", "put", "key", "kept")
		l.must("down")
		l.must("up")
		l.wantValue("kept")

		l.must("down", "--volumes", "--yes")
		l.wantRefused("there is data of etcd1, etcd2 and none of etcd3", "up")
		l.describe(one, two)
		l.must("up")
		l.wantValue("kept")
		l.describe(one, two, "etcd3="+l.folder("three"))
		l.must("up")
		l.wantValue("kept")

		// One that leaves keeps its data, and joins again as a new member.
		l.describe(one, two)
		l.must("up")
		l.describe(one, two, "etcd3="+l.folder("three"))
		l.must("up")
		l.wantValue("kept")
		if out := strings.TrimSpace(l.must("up", "--dry-run", "--format", "json")); out != "[]" {
			t.Errorf("something is left to do: %s", out)
		}
		l.describe("etcd1="+l.folder("elsewhere"), two, "etcd3="+l.folder("three"))
		l.wantRefused("and would be looked for in", "up")
		l.must("down", "--volumes", "--yes")
		for _, name := range []string{"one", "three"} {
			if _, err := os.Stat(filepath.Join(l.dir, "disks", name, "data", "member", "wal")); err != nil {
				t.Errorf("the data in %s is gone: %v", name, err)
			}
		}
	})
}

// TestWhatMembersCantUseIsRefused: before anything is made, with the reason.
func TestWhatMembersCantUseIsRefused(t *testing.T) {
	eachLender(t, func(t *testing.T, l *lender) {
		l.describe("etcd1=" + l.folder("used"))
		l.must("up")
		l.must("down")

		shared := filepath.Join("/dev/shm", filepath.Base(l.dir)+"-lent")
		if err := os.MkdirAll(shared, 0o700); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Remove(shared) })
		open := l.folder("open")
		if err := os.Chmod(open, 0o777); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(l.folder("full"), "photo.jpeg"), "")
		writeFile(t, filepath.Join(l.dir, "disks", "file"), "")
		l.folder(filepath.Join("theirs", "member", "wal"))
		for _, c := range []struct{ member, reason string }{
			{"etcd1=" + shared, "it is on tmpfs, which is gone when the machine starts anew"},
			{"etcd1=" + filepath.Join(l.dir, "disks", "none"), "it is not there: make it"},
			{"etcd1=" + filepath.Join(l.dir, "disks", "file"), "it is no folder"},
			{"etcd1=" + open, "everybody can write into it (mode 0777): chmod 0700 closes it"},
			{"etcd1=" + l.folder("full"), "there is something else in it (photo.jpeg)"},
			{"etcd1=" + l.folder("theirs"), "it has data of etcd at its top"},
			{"other=" + l.folder("used"), "it has the data of a member etcd1"},
		} {
			l.head = strings.Replace(l.head, "\n", "x\n", 1) // another cluster each time
			l.describe(c.member)
			l.wantRefused(c.reason, "up")
			if out := l.must("ls", "--format", "json"); strings.Contains(out, "x\"") {
				t.Errorf("%s: something was made: %s", c.member, out)
			}
		}
	})
}

// TestWhatMembersAreGivenInAComposeFile has Docker Compose run it.
func TestWhatMembersAreGivenInAComposeFile(t *testing.T) {
	s := newStack(t)
	folder, volume := t.TempDir(), s.name+"-lent"
	t.Cleanup(func() {
		_, _ = s.clean("down", "--volumes", "--timeout", "0")
		if _, err := output(exec.Command("docker", "volume", "rm", volume), ""); err != nil {
			t.Error(err)
		}
	})
	run(t, "", "docker", "volume", "create", volume)
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"),
		fmt.Sprintf("name: %s\nimage: %s\ntls: none\nmembers:\n  - {name: etcd1, data: %s}\n  - {name: etcd2, data: %s}\n  - etcd3\n", s.name, s.ref, folder, volume))
	writeFile(t, filepath.Join(s.dir, "docker-compose.yml"), run(t, s.dir, etcdctrBinary(t), "compose"))
	s.up()
	s.etcdctl("etcd1", "put", "key", "kept")
	if out := run(t, s.dir, etcdctrBinary(t), "up", "--dry-run", "--format", "json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("what Compose has made is not what etcdctr would: %s", out)
	}
	s.compose("down", "--volumes")
	if _, err := os.Stat(filepath.Join(folder, "data", "member", "wal")); err != nil {
		t.Errorf("the data in the folder is gone: %v", err)
	}
	run(t, "", "docker", "volume", "inspect", volume)
}

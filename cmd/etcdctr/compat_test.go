//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/runtimes"
)

// TestWhatEarlierReleasesMadeIsTakenOver goes on with the folder of a cluster of
// processes as each release has left it: its file, certificates, users, ports and
// data. A release adds a folder to testdata/compat, made as its README says, and
// changes none.
func TestWhatEarlierReleasesMadeIsTakenOver(t *testing.T) {
	homes, err := filepath.Glob("testdata/compat/v*/home.tar.gz")
	if err != nil || len(homes) == 0 {
		t.Fatalf("no home of an earlier release: %v", err)
	}
	for _, home := range homes {
		t.Run(filepath.Base(filepath.Dir(home)), func(t *testing.T) {
			l := takeOver(t, home)
			before := l.certificates()
			l.prints("etcd2 ", "ps")
			l.prints("fit the cluster", "certs", "verify")
			l.prints("8 reused", "certs", "create", "--client=")
			l.prints("orders is up: all 3 members answer", "up", "--detach", "--progress", "quiet")
			l.prints("shipped", "etcdctl", "get", "orders/1")
			l.prints("127.0.0.1:18579", "ps")
			l.prints("healthy: cluster", "health")
			l.prints("no surprise", "verify")
			l.prints("nothing to do", "up", "--dry-run")
			if diff := cmp.Diff(before, l.certificates()); diff != "" {
				t.Errorf("the certificates are others (-before +after):\n%s", diff)
			}
			l.prints("its data too", "down", "--volumes", "--yes", "--progress", "quiet")
		})
	}
}

// leftHome is the folder that a release has left.
type leftHome struct {
	t   *testing.T
	dir string
	env []string
}

func takeOver(t *testing.T, archive string) leftHome {
	t.Helper()
	l := leftHome{t, t.TempDir(), pageEnvironment(t)}
	t.Cleanup(func() { endProcessesOf(t, l.dir) })
	if out, err := exec.CommandContext(t.Context(), "tar", "-C", l.dir, "-xzf", archive).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"stack.json", "state.json"} {
		file := filepath.Join(l.dir, runtimes.ProcessFolder, "orders", name)
		text, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "@FOLDER@", l.dir)), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// prints wants a command to succeed, and part of what it prints or says.
func (l leftHome) prints(part string, args ...string) {
	l.t.Helper()
	cmd := exec.CommandContext(l.t.Context(), "etcdctr", args...)
	cmd.Dir, cmd.Env = l.dir, l.env
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), part) {
		l.t.Errorf("etcdctr %s: %v, want %q\n%s", strings.Join(args, " "), err, part, out)
	}
}

// certificates are all files of the certificates' folder.
func (l leftHome) certificates() map[string]string {
	l.t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(filepath.Join(l.dir, "certs"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	})
	if err != nil || len(all) == 0 {
		l.t.Fatalf("%d files of certificates: %v", len(all), err)
	}
	return all
}

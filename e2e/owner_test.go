//go:build e2e && linux

package e2e

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

const nobody, nogroup = 65534, 65534

// asNobody is a command in the folder by who is not root.
func (l *local) asNobody(args ...string) *exec.Cmd {
	cmd := l.command(etcdctrBinary(l.t), args...)
	cmd.Env = append(cmd.Env, "HOME="+l.dir, "XDG_CACHE_HOME="+filepath.Join(l.dir, "cache"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nogroup}}
	return cmd
}

// Root may do everything to what another user runs, and leaves it to that one.
func TestWhatRootDoesToAnothersProcessesLeavesThemToThatOne(t *testing.T) {
	l := newLocal(t)
	if err := errors.Join(os.Chmod(filepath.Dir(l.dir), 0o755), os.Chown(l.dir, nobody, nogroup)); err != nil {
		t.Fatal(err)
	}
	succeed(t, l.asNobody("up", "-d"), l.dir)
	l.etcdctr("up", "-d", "--members", "4")
	l.etcdctr("certs", "issue", "app")
	succeed(t, l.asNobody("health"), l.dir)
	l.etcdctr("stop")
	for _, args := range [][]string{{"start"}, {"up", "-d"}} {
		_, err := l.try(args...)
		wantExitCode(t, err, 1)
		wantError(t, err, "belongs to nobody, and what its members write would be root's")
		wantError(t, err, "sudo -u nobody etcdctr start")
	}
	l.wantNobodys()
	succeed(t, l.asNobody("start"), l.dir)
	succeed(t, l.asNobody("health"), l.dir)
	l.etcdctr("down")
	succeed(t, l.asNobody("up", "-d"), l.dir)
	l.wantNobodys()
}

// wantNobodys wants all that the cluster's members read and write to be nobody's.
func (l *local) wantNobodys() {
	l.t.Helper()
	for _, dir := range []string{"certs", filepath.Join(".etcdctr", "etcd")} {
		err := filepath.WalkDir(filepath.Join(l.dir, dir), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.Type() == fs.ModeSymlink { // through which anybody may go
				return err
			}
			info, err := e.Info()
			if err == nil && info.Sys().(*syscall.Stat_t).Uid != nobody {
				l.t.Errorf("%s is not nobody's", path)
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.t.Error(err)
		}
	}
}

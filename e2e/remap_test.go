//go:build e2e && linux

package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// remappedConfig has root in containers be somebody outside who owns nothing.
const remappedConfig = `{"userns-remap": "nobody:nogroup"}`

// Keys are for their owner only, and nobody in a container is that.
func TestAnEngineThatMapsUsersGetsCopiesOfTheCertificates(t *testing.T) {
	s := newStack(t)
	startConfiguredEngine(t, s.ref, remappedConfig)
	if said := run(t, "", "docker", "info", "--format", "{{.SecurityOptions}}"); !strings.Contains(said, "name=userns") {
		t.Fatalf("the engine does not map users: %s", said)
	}
	s.etcdctr("up")
	s.wantNoLocalMounts()
	s.liveALife()
}

// What Compose has started there can't read its keys, and what the doctor says
// helps.
func TestMembersThatAnEngineKeepsFromTheirKeysAreCured(t *testing.T) {
	s := newStack(t)
	startConfiguredEngine(t, s.ref, remappedConfig)
	s.generate()
	s.compose("up", "--detach")
	s.cure(s.doctor("it may not read "))
}

// Root of a container writes nothing into a folder of root's there.
func TestABackupFolderOfRootsIsRefusedWhereAnEngineMapsUsers(t *testing.T) {
	s := newStack(t)
	startConfiguredEngine(t, s.ref, remappedConfig)
	refusedBackupFolder(t, s, "200000:200000")
}

// refusedBackupFolder has up refuse a folder of root's with a command that helps.
func refusedBackupFolder(t *testing.T, s *stack, owner string) {
	t.Helper()
	folder, err := os.MkdirTemp("", namePrefix+"-") //nolint:usetesting // nobody else comes by what is above t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), "backup: {destination: "+folder+", every: 1m}\n")
	give := "chown -R " + owner + " " + folder
	for _, flags := range [][]string{{"--dry-run"}, nil} {
		if out, err := s.tryEtcdctr("up", flags...); err == nil || !strings.Contains(err.Error(), "backup.destination: ") || !strings.Contains(err.Error(), give) {
			t.Fatalf("up %v gives %v, want %s: %s", flags, err, give, out)
		}
	}
	run(t, s.dir, "sh", "-c", give)
	s.etcdctr("up")
	eventually(t, "a backup", func() error {
		files, err := filepath.Glob(filepath.Join(folder, "*.tar.zst"))
		if err == nil && len(files) == 0 {
			err = errors.New("there is none")
		}
		return err
	})
	s.etcdctr("up") // what has its folder is not asked again
}

package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/docker/cli/cli/connhelper/ssh"

	"github.com/etcdctr/etcdctr/internal/lockfile"
)

// longestSocket is how long the path of a control socket may be. The least that systems
// allow is 104 bytes with the one that ends it, and ssh adds 17 while it makes it.
const longestSocket = 104 - 1 - 17

// errNotKept is the error of having no place where another command finds a session.
var errNotKept = errors.New("no folder for ssh's sockets is this user's alone, and short enough")

// keptIn is the folder of the sockets of a session that leads to a place, by all that
// the user has configured for it at this moment: who changes that gets another session.
func keptIn(ctx context.Context, at string, spec *ssh.Spec) (string, error) {
	configured, err := exec.CommandContext(ctx, "ssh", append([]string{"-G"}, spec.Args()...)...).Output()
	if err != nil {
		return "", err
	}
	key := sha256.Sum256([]byte(at + "\x00" + string(configured)))
	base := runFolder()
	dir := filepath.Join(base, hex.EncodeToString(key[:8]))
	if len(dir)+len("/c") > longestSocket {
		return "", errNotKept
	}
	if err := os.Mkdir(base, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	if info, err := os.Lstat(base); err != nil || !ownAlone(info) {
		return "", errors.Join(errNotKept, err)
	}
	return dir, nil
}

// sweep deletes the folders of sessions that have ended, which nobody comes back to where
// the user has configured something else since. It is a courtesy: what can't be deleted is
// left to the next one.
func sweep(base, but string) {
	entries, err := os.ReadDir(base)
	if err != nil {
		return
	}
	for _, e := range entries {
		dir := filepath.Join(base, e.Name())
		if dir == but {
			continue
		}
		release, ok := lockfile.Try(dir)
		if !ok {
			continue
		}
		if !(&session{dir: dir}).answers() {
			_ = os.RemoveAll(dir)
		}
		_ = release()
	}
}

// runFolder is for what is there as long as this machine runs. In the one of everybody
// anybody may have made it before.
func runFolder() string {
	if own := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(own) {
		return filepath.Join(own, "etcdctr")
	}
	return filepath.Join(os.TempDir(), "etcdctr-"+strconv.Itoa(os.Getuid()))
}

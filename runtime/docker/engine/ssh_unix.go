//go:build unix

package engine

import (
	"io/fs"
	"os"
	"syscall"
)

// ownAlone tells whether a folder is this user's, and nobody else's.
func ownAlone(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.IsDir() && info.Mode().Perm()&0o077 == 0 && int(stat.Uid) == os.Getuid()
}

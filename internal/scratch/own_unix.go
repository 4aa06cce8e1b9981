//go:build unix

package scratch

import (
	"io/fs"
	"os"
	"syscall"
)

// isOwn tells whether a folder is this user's.
func isOwn(e fs.DirEntry) bool {
	info, err := e.Info()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}

//go:build unix

package stack

import (
	"os"
	"syscall"
)

// owns reports whether a file is of the user that this program runs as.
func owns(file string) bool {
	info, err := os.Stat(file)
	if err != nil {
		return false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid()
}

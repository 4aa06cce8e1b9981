// Package unlinked tells that a process goes on with files that have no name any more:
// what it writes there is gone when it ends.
package unlinked

import (
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// deleted is what Linux puts behind the name that a file had.
const deleted = " (deleted)"

// Log tells whether all segments of the write-ahead log that an etcd has open were
// deleted. One may be at any time, once a snapshot has made it superfluous. It is false
// where nobody knows: of another user's process, of none, and elsewhere than on Linux.
func Log(pid int) bool {
	open, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "fd", "*"))
	if err != nil {
		return false // the pattern is a good one
	}
	found := false
	for _, fd := range open {
		name, err := os.Readlink(fd)
		if err != nil {
			continue // it was closed meanwhile, or is nobody's business
		}
		file, gone := strings.CutSuffix(name, deleted)
		if path.Ext(file) != ".wal" || path.Base(path.Dir(file)) != "wal" {
			continue
		}
		if !gone {
			return false
		}
		found = true
	}
	return found
}

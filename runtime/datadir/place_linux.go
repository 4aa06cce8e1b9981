package datadir

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// fileSystems are those that matter here, by their numbers.
var fileSystems = map[int64]string{
	unix.TMPFS_MAGIC: "tmpfs", unix.RAMFS_MAGIC: "ramfs",
	unix.NFS_SUPER_MAGIC: "nfs", unix.SMB_SUPER_MAGIC: "cifs", 0xff534d42: "cifs", unix.SMB2_SUPER_MAGIC: "smb2",
	unix.V9FS_MAGIC: "9p", 0x786f4256: "vboxsf",
}

func fileSystem(dir string) string {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return ""
	}
	return fileSystems[int64(uint32(s.Type))] //nolint:unconvert,gosec // its type differs between architectures
}

func owner(info fs.FileInfo) string {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d:%d", s.Uid, s.Gid)
}

// root is told by the kernel, see user_namespaces(7).
func root() string {
	user, errUser := os.ReadFile("/proc/self/uid_map")
	group, errGroup := os.ReadFile("/proc/self/gid_map")
	if errUser != nil || errGroup != nil {
		return ""
	}
	return outside(string(user)) + ":" + outside(string(group))
}

// outside is what 0 is in the namespace above, by lines that say what a number is here, what
// there, and of how many in a row.
func outside(mapping string) string {
	for line := range strings.Lines(mapping) {
		if numbers := strings.Fields(line); len(numbers) == 3 && numbers[0] == "0" {
			return numbers[1]
		}
	}
	return "0"
}

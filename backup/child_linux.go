package backup

import (
	"fmt"
	"os"
	"syscall"
)

// child ends an etcd when the thread that started it does, as where this program is killed:
// nobody knows of it then, and nothing else ends it.
func child() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// pathIn names what is in a folder, however long the folder's own path is: a socket's has
// 108 bytes at most.
func pathIn(dir *os.File, name string) string {
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), name)
}

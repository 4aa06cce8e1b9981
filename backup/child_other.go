//go:build !linux

package backup

import (
	"os"
	"path/filepath"
	"syscall"
)

// child leaves an etcd as it is where the system ends no children.
func child() *syscall.SysProcAttr { return nil }

// pathIn names what is in a folder.
func pathIn(dir *os.File, name string) string { return filepath.Join(dir.Name(), name) }

package process

import (
	"os"
	"syscall"
)

// child keeps Ctrl-C from the members.
func child() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// detached is for a process that goes on when its parent is gone.
func detached() *syscall.SysProcAttr {
	const detachedProcess = 0x8 // DETACHED_PROCESS
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP | detachedProcess}
}

// askToStop ends a member: Windows has no way to ask, and etcd is made to
// survive it.
func askToStop(p *os.Process) error { return p.Kill() }

// sweep has nothing to do: there are no process groups to look through.
func sweep(*os.Process) {}

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

// keepFiles has nothing to do: a program gets no file that it is not given.
func keepFiles() {}

// askToStop ends a member: Windows has no way to ask, and etcd is made to
// survive it.
func askToStop(p *os.Process) error { return p.Kill() }

// Resume has nothing to do: no signal freezes a process.
func (MemberState) Resume() error { return nil }

// sweep has nothing to do: there are no process groups to look through.
func sweep(*os.Process) {}

// ownerOf is not known here, where who may read a file does not go by whose it is.
func ownerOf(os.FileInfo) (int, bool) { return 0, false }

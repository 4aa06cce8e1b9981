//go:build unix

package process

import (
	"errors"
	"os"
	"strconv"
	"syscall"
)

// detached is for a process that goes on when its parent and the terminal are
// gone.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// keepFiles lets no program that is started have a file that this one was handed
// itself, such as the lock of a script that calls it: a process that goes on would
// hold that for as long as it lives.
func keepFiles() {
	open, err := os.ReadDir("/dev/fd")
	if err != nil {
		return // then it can't be told what there is
	}
	for _, entry := range open {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > syscall.Stderr {
			syscall.CloseOnExec(fd)
		}
	}
}

// askToStop asks a member, and what it has started in its turn, to stop.
func askToStop(p *os.Process) error { return signalGroup(p, syscall.SIGTERM) }

// sweep ends what a member that ended has left running.
func sweep(p *os.Process) { _ = signalGroup(p, syscall.SIGKILL) }

func signalGroup(p *os.Process, s syscall.Signal) error {
	err := syscall.Kill(-p.Pid, s)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// ownerOf is the number of the user whose a file is.
func ownerOf(info os.FileInfo) (int, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(st.Uid), true
}

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

// askToStop asks a member, and what it has started in its turn, to stop. One that is frozen
// hears it once it goes on.
func askToStop(p *os.Process) error {
	err := signalGroup(p, syscall.SIGTERM)
	_ = signalGroup(p, syscall.SIGCONT) // it may have ended by now
	return err
}

// Resume has a member go on that a signal has frozen, with what it has started.
func (m MemberState) Resume() error {
	if !m.Process.Frozen() {
		return nil
	}
	return signalGroup(&os.Process{Pid: m.Process.PID}, syscall.SIGCONT)
}

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

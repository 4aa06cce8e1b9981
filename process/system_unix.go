//go:build unix

package process

import (
	"errors"
	"os"
	"syscall"
)

// detached is for a process that goes on when its parent and the terminal are
// gone.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

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

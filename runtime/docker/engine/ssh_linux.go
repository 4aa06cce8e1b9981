package engine

import (
	"os/exec"
	"syscall"
)

// apart has ssh not end at this terminal's Ctrl-C, which this program sees to, but
// end with this program while it connects.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
}

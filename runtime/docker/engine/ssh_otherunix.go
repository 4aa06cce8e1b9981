//go:build unix && !linux

package engine

import (
	"os/exec"
	"syscall"
)

// apart has ssh not end at this terminal's Ctrl-C, which this program sees to.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

//go:build unix && !linux

package process

import "syscall"

// child puts a member into a process group of its own, so that Ctrl-C reaches
// the supervisor only.
func child() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

//go:build !unix

package etcdtest

import "os/exec"

// actAs does nothing where there are no users of that kind.
func actAs(*exec.Cmd, int) {}

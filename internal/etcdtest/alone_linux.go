package etcdtest

import (
	"errors"
	"os"
	"syscall"
)

// lockNetwork locks the network that this process is in: another has ports of its own.
func lockNetwork() (*os.File, error) {
	file, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

//go:build unix

package terminal

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/etcdctr/etcdctr/runtime"
)

// watchSize sends the terminal's size now and whenever it changes, until the
// function that it gives is called.
func watchSize(out *os.File, sizes chan runtime.Size) (stop func()) {
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	sendSize(out, sizes)
	go func() {
		for range changed {
			sendSize(out, sizes)
		}
	}()
	return func() {
		signal.Stop(changed)
		close(changed)
	}
}

package terminal

import (
	"os"

	"github.com/etcdctr/etcdctr/runtime"
)

// watchSize sends the terminal's size once: Windows has no signal for a
// change.
func watchSize(out *os.File, sizes chan runtime.Size) (stop func()) {
	sendSize(out, sizes)
	return func() {}
}

package main

import (
	"os"

	"github.com/etcdctr/etcdctr/stack"
)

// watchSize sends the terminal's size once: Windows has no signal for a
// change.
func watchSize(out *os.File, sizes chan stack.Size) (stop func()) {
	sendSize(out, sizes)
	return func() {}
}

package terminal

import (
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/etcdctr/etcdctr/runtime"
)

// Attach gives a command the terminal that it reads from and writes to, if somebody
// sits at one, and the function that puts theirs back.
func Attach(c *runtime.Command) (restore func() error, err error) {
	in, ok := c.Stdin.(*os.File)
	out, okOut := c.Stdout.(*os.File)
	if !ok || !okOut || !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return func() error { return nil }, nil
	}
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, fmt.Errorf("prepare the terminal: %w", err)
	}
	c.TTY = true
	sizes := make(chan runtime.Size, 1)
	c.Resized = sizes
	stop := watchSize(out, sizes)
	return func() error {
		stop()
		return term.Restore(int(in.Fd()), before)
	}, nil
}

// sendSize replaces a size that nobody has read yet.
func sendSize(out *os.File, sizes chan runtime.Size) {
	width, height, err := term.GetSize(int(out.Fd()))
	if err != nil {
		return
	}
	select {
	case <-sizes:
	default:
	}
	sizes <- runtime.Size{Width: uint(width), Height: uint(height)}
}

package stack

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// Command is a command to run in a container that runs.
type Command struct {
	Args []string
	Env  []string // NAME=value, added to the container's

	In       io.Reader // nil for none
	Out, Err io.Writer // the same, or Err unused, with TTY

	// TTY gives the command a terminal of the size that Resized sends, first
	// and whenever it changes.
	TTY     bool
	Resized <-chan Size
}

// Size of a terminal, in characters.
type Size struct{ Width, Height uint }

// Sizes passes on the sizes of a terminal, in whatever type they come, until ctx ends.
func Sizes[S ~struct{ Width, Height uint }](ctx context.Context, from <-chan S) <-chan Size {
	to := make(chan Size)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case s, ok := <-from:
				if !ok {
					return
				}
				select {
				case to <- Size(s):
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return to
}

// Exec runs a command in a container and gives its exit code.
func Exec(ctx context.Context, e Engine, container string, c Command) (int, error) {
	made, err := e.ExecCreate(ctx, container, client.ExecCreateOptions{
		Cmd: c.Args, Env: c.Env, TTY: c.TTY, AttachStdin: c.In != nil, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return 0, fmt.Errorf("cannot run %s in %s: %s", c.Args[0], container, engineText(err))
	}
	attached, err := e.ExecAttach(ctx, made.ID, client.ExecAttachOptions{TTY: c.TTY})
	if err != nil {
		return 0, fmt.Errorf("cannot run %s in %s: %s", c.Args[0], container, engineText(err))
	}
	defer attached.Close()
	stop := context.AfterFunc(ctx, attached.Close) // a read of the connection knows no context
	defer stop()
	if c.TTY {
		go follow(ctx, e, made.ID, c.Resized)
	}
	if err := c.exchange(&attached.HijackedResponse); err != nil {
		return 0, errors.Join(ctx.Err(), err)
	}
	ended, err := e.ExecInspect(ctx, made.ID, client.ExecInspectOptions{})
	if err != nil {
		return 0, fmt.Errorf("ask for the exit code of %s in %s: %w", c.Args[0], container, err)
	}
	return ended.ExitCode, nil
}

// exchange copies the streams until the command's output ends. What is typed
// after that reaches nobody, so the input is not waited for.
func (c Command) exchange(conn *client.HijackedResponse) error {
	if c.In != nil {
		go func() {
			_, _ = io.Copy(conn.Conn, c.In) // fails when the command has ended
			_ = conn.CloseWrite()
		}()
	}
	var err error
	if c.TTY {
		_, err = io.Copy(c.Out, conn.Reader)
	} else {
		_, err = stdcopy.StdCopy(c.Out, c.Err, conn.Reader)
	}
	return err
}

func follow(ctx context.Context, e Engine, exec string, sizes <-chan Size) {
	for {
		select {
		case <-ctx.Done():
			return
		case s, ok := <-sizes:
			if !ok {
				return
			}
			// A terminal of the wrong size is no reason to stop.
			_, _ = e.ExecResize(ctx, exec, client.ExecResizeOptions{Height: s.Height, Width: s.Width})
		}
	}
}

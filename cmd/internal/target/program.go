package target

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"time"
)

// Run runs this very binary under the name of one of the programs that it carries, and gives
// the code that it ends with.
func (w *World) Run(ctx context.Context, name string, args, env []string) (code int, err error) {
	self, err := ThisProgram()
	if err != nil {
		return 0, err
	}
	const patience = 5 * time.Second
	cmd := exec.CommandContext(ctx, self)
	cmd.Args = append([]string{name}, args...)
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = w.In, w.Out, w.Voice.Out
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

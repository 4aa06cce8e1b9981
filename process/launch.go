package process

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// ready is what a supervisor in the background answers when all has started.
const ready = "ready\n"

// Launch runs a stack in the background: it starts the given command, which
// must call Serve, and returns when all members are started. What the command
// says on standard error goes to a file of the home.
func (h Home) Launch(ctx context.Context, stack Stack, command *exec.Cmd) error {
	if s, err := h.State(); err == nil && s.Running {
		return &RunningError{Name: s.Name, Supervisor: s.Supervisor}
	}
	input, err := json.Marshal(stack)
	if err != nil {
		return err
	}
	log, err := h.openErrors()
	if err != nil {
		return err
	}
	defer log.Close()
	command.Dir, command.Stdin, command.Stderr = h.Dir, bytes.NewReader(input), log
	command.SysProcAttr = detached()
	keepFiles()
	answers, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("cannot start the supervisor: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = askToStop(command.Process) })()
	answer, err := io.ReadAll(answers)
	switch {
	case ctx.Err() != nil:
		_ = command.Wait() // it stops what it has started
		return ctx.Err()
	case err != nil:
		return err
	case string(answer) == ready:
		return command.Process.Release()
	case len(answer) == 0:
		return fmt.Errorf("the supervisor ended without a word: see %s", log.Name())
	}
	_ = command.Wait() // it has said why it ends
	return errors.New(string(answer))
}

// Serve is the supervisor's side of Launch: it reads the stack from in, runs
// it, and answers on out, which it closes.
func (h Home) Serve(ctx context.Context, in io.Reader, out io.WriteCloser, o Options) error {
	var stack Stack
	if err := json.NewDecoder(in).Decode(&stack); err != nil {
		return fmt.Errorf("cannot read what to run: %w", err)
	}
	answered := false
	o.Ready = func() {
		answered = true
		_, _ = io.WriteString(out, ready) // to whoever still listens
		_ = out.Close()
	}
	err := h.Run(ctx, stack, o)
	if err != nil && !answered {
		_, _ = io.WriteString(out, err.Error())
	}
	return err
}

func (h Home) openErrors() (*os.File, error) {
	if err := os.MkdirAll(h.Dir, 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(h.path("supervisor.err"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

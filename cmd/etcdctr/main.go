// Command etcdctr describes, builds, starts, proves and looks after etcd
// clusters in containers.
//
// It is also etcd, etcdctl and etcdutl: called by one of those names, the same
// binary behaves as that program.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/cmd/internal/multicall"
	"github.com/etcdctr/etcdctr/cmd/internal/startup"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/runtime/local"
)

// exitInterrupted is what a shell expects of a program that Ctrl-C ended:
// 128 + SIGINT.
const exitInterrupted = 130

func main() {
	local.UseResolver()
	if multicall.Run(os.Args) {
		return
	}
	keepOwnRights()
	if help, ok := local.Programs[filepath.Base(os.Args[0])]; ok {
		startup.Over()
		os.Exit(exitCodeOf(help()))
	}
	os.Exit(run(newApp(), os.Args[1:]))
}

// exitCodeOf tells whoever started a helper what went wrong.
func exitCodeOf(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, err)
	return exitFailure
}

// run executes one command line and returns the process's exit code.
func run(a *app, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once

	root := newRootCommand(a)
	addCompletion(root)
	root.SetArgs(args)
	root.SetFlagErrorFunc(typed.EveryMistake(args))
	cmd, err := root.ExecuteContextC(ctx)
	err = hints.For(strings.TrimPrefix(cmd.CommandPath(), "etcdctr "), err)
	if err == nil {
		return 0
	}
	a.speakFor(cmd)
	if on, ended := hints.On(err); ended || ctx.Err() != nil && errors.Is(err, context.Canceled) {
		a.Say("interrupted")
		if ended {
			a.Voice.Say(terminal.Hint, on)
		}
		return exitInterrupted
	}
	if status := exitStatus(0); errors.As(err, &status) {
		return int(status)
	}
	a.Fail(err)
	return exitCode(err)
}

// exitStatus ends the program with the exit code of another that it ran, which
// has said itself what there was to say.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// ended is how this program ends after another one that it has run.
func ended(ctx context.Context, code int, err error) error {
	switch {
	case ctx.Err() != nil:
		return exitStatus(exitInterrupted) // as it has said itself, if there was something to say
	case err == nil && code != 0:
		return exitStatus(code)
	}
	return err
}

// Command etcdctr describes, builds, starts, proves and looks after etcd
// clusters in containers.
//
// It is also etcd, etcdctl and etcdutl: called by one of those names, the same
// binary behaves as that program. An image that needs all three therefore
// carries one file.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// exitInterrupted is what a shell expects of a program that Ctrl-C ended:
// 128 + SIGINT.
const exitInterrupted = 130

func main() {
	if runAs(os.Args) {
		return
	}
	os.Exit(run(newApp(), os.Args[1:]))
}

// run executes one command line and returns the process's exit code.
func run(a *app, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once

	root := newRootCommand(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		a.say("interrupted")
		return exitInterrupted
	}
	if status := exitStatus(0); errors.As(err, &status) {
		return int(status)
	}
	a.fail(err)
	return exitCode(err)
}

// exitStatus ends the program with the exit code of another that it ran, which
// has said itself what there was to say.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

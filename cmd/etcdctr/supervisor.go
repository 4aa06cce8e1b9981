package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/etcdctr/etcdctr/process"
)

// supervisorProgram is the name that this binary is called by to look after
// local processes in the background.
const supervisorProgram = "etcdctr-supervisor"

// supervisorCommand is how that is started.
func supervisorCommand() (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot find this program's file: %w", err)
	}
	cmd := exec.Command(self)
	cmd.Args = []string{supervisorProgram}
	return cmd, nil
}

// supervise runs the stack that it is given on standard input, in the
// folder that it was started in. What goes wrong at the start it tells whoever
// started it; what happens later is in the logs.
func supervise() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	return process.Home{Dir: dir}.Serve(ctx, os.Stdin, os.Stdout, process.Options{Prepare: prepareServices})
}

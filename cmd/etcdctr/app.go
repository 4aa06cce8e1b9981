package main

import (
	"crypto/rand"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
)

// app is the world a command runs in. Tests hand in their own.
type app struct{ *target.World }

// further is that of every app; tests, which are many at a time, change it.
var further int

func newApp() *app {
	return &app{&target.World{
		Console: terminal.NewConsole(), Random: rand.Reader, Further: further, Version: buildVersion(), Carried: carriedProgram,
	}}
}

const (
	exitFailure = 1 // the command could not do what was asked
	exitUsage   = 2 // the question was wrong: a flag, an argument, the cluster file
)

func exitCode(err error) int {
	if hints.IsUsage(err) {
		return exitUsage
	}
	return exitFailure
}

// speakFor has everything that is said be JSON where a command is told so, and the commands
// in it be about the cluster that this one is about.
func (a *app) speakFor(cmd *cobra.Command) {
	a.Voice.Retype = target.Retype(cmd)
	if f := cmd.Flags().Lookup("progress"); f != nil && f.Value.String() == terminal.JSON {
		a.Voice.Machine = true
	}
}

// withHint attaches what to do next to err; nil stays nil.
func withHint(err error, format string, args ...any) error { return hints.With(err, format, args...) }

// usage marks an error as the caller's: exit code 2.
func usage(err error) error { return hints.Usage(err) }

package main

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

// This file is the program's voice: every line that a person reads passes
// through it. Lower case, no full stop: what happened, to what, what to do.

const (
	exitFailure = 1 // the command could not do what was asked
	exitUsage   = 2 // the question was wrong: a flag, an argument, the cluster file
)

// speakFor has everything that is said be JSON where a command is told so.
func (a *app) speakFor(cmd *cobra.Command) {
	if f := cmd.Flags().Lookup("progress"); f != nil && f.Value.String() == terminal.JSON {
		a.voice.Machine = true
	}
}

// tint colours a piece of a result.
func (a *app) tint(colour text.Colors, s string) string {
	if !a.colours || len(colour) == 0 {
		return s
	}
	return colour.Sprint(s)
}

// newProgress gives the board for a --progress mode.
func (a *app) newProgress(mode string) terminal.Board {
	return terminal.NewBoard(mode, &a.voice, a.now)
}

// addProgressFlag adds --progress, the same on every command that takes its
// time.
func addProgressFlag(cmd *cobra.Command, mode *string) {
	*mode = terminal.Auto
	modes := []string{terminal.Auto, terminal.Plain, terminal.JSON, terminal.Quiet}
	cmd.Flags().Var(&typed.Choice{Value: mode, Of: modes}, "progress",
		"how progress is told on standard error: auto (a terminal gets bars), plain, json or quiet")
}

// say tells a person something on standard error.
func (a *app) say(format string, args ...any) {
	a.voice.Say(terminal.Note, fmt.Sprintf(format, args...))
}

// warn is say for what may surprise later, one line for each of the errors joined in it.
func (a *app) warn(format string, args ...any) {
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		a.voice.Say(terminal.Warning, line)
	}
}

// fail prints an error, one line for each of the errors joined in it, and its
// hint if it has one.
func (a *app) fail(err error) {
	for _, line := range strings.Split(err.Error(), "\n") {
		a.voice.Say(terminal.Failure, line)
	}
	if hints.Of(err) == "" {
		return
	}
	for hint := range strings.SplitSeq(hints.Of(err), "\n") {
		a.voice.Say(terminal.Hint, hint)
	}
}

// withHint attaches what to do next to err; nil stays nil.
func withHint(err error, format string, args ...any) error { return hints.With(err, format, args...) }

// usage marks an error as the caller's: exit code 2.
func usage(err error) error { return hints.Usage(err) }

func exitCode(err error) int {
	if hints.IsUsage(err) {
		return exitUsage
	}
	return exitFailure
}

// warnAll warns of each.
func warnAll[T any](a *app, notes []T) {
	for _, n := range notes {
		a.warn("%v", n)
	}
}

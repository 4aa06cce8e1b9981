package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// This file is the program's voice: every line that a person reads passes
// through it. Lower case, no full stop: what happened, to what, what to do.

const (
	exitFailure = 1 // the command could not do what was asked
	exitUsage   = 2 // the question was wrong: a flag, an argument, the cluster file
)

// say tells a person something on standard error.
func (a *app) say(format string, args ...any) {
	fmt.Fprintf(a.errOut, "etcdctr: "+format+"\n", args...)
}

// warn is say for what may surprise later.
func (a *app) warn(format string, args ...any) {
	a.say("warning: "+format, args...)
}

// fail prints an error, one line for each of the errors joined in it, and its
// hint if it has one.
func (a *app) fail(err error) {
	for _, line := range strings.Split(err.Error(), "\n") {
		a.say("%s", line)
	}
	if h := (*hintedError)(nil); errors.As(err, &h) {
		a.say("hint: %s", h.hint)
	}
}

// hintedError carries advice that only the command line can give: a library
// does not know which flag the user could have set.
type hintedError struct {
	err  error
	hint string
}

func (e *hintedError) Error() string { return e.err.Error() }
func (e *hintedError) Unwrap() error { return e.err }

// withHint attaches what to do next to err; nil stays nil.
func withHint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hintedError{err: err, hint: fmt.Sprintf(format, args...)}
}

// usageError marks an error as the caller's: exit code 2.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

func exitCode(err error) int {
	if u := (*usageError)(nil); errors.As(err, &u) {
		return exitUsage
	}
	return exitFailure
}

// printTable writes rows under a header as aligned columns without borders,
// the way Docker's own tools do, so that `awk` and eyes both get along with it.
func (a *app) printTable(header []string, rows [][]string) {
	t := table.NewWriter()
	t.SetOutputMirror(a.out)
	t.SetStyle(plainStyle)
	t.SuppressTrailingSpaces()
	t.AppendHeader(tableRow(header))
	for _, r := range rows {
		t.AppendRow(tableRow(r))
	}
	t.Render()
}

var plainStyle = table.Style{
	Name:    "plain",
	Box:     table.BoxStyle{PaddingRight: "  "},
	Format:  table.FormatOptions{Header: text.FormatUpper},
	Options: table.OptionsNoBordersAndSeparators,
}

func tableRow(cells []string) table.Row {
	row := make(table.Row, len(cells))
	for i, c := range cells {
		row[i] = c
	}
	return row
}

// warnAll warns of each.
func (a *app) warnAll(notes []string) {
	for _, n := range notes {
		a.warn("%s", n)
	}
}

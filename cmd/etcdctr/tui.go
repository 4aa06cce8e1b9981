package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
)

// This file is the program's voice: every line that a person reads passes
// through it. Lower case, no full stop: what happened, to what, what to do.

const (
	exitFailure = 1 // the command could not do what was asked
	exitUsage   = 2 // the question was wrong: a flag, an argument, the cluster file
)

// loudness is how much something that is said matters.
type loudness string

const (
	note    loudness = "note"
	warning loudness = "warning"
	failure loudness = "error"
	hint    loudness = "hint"
)

// Colours of what is well, of what is not, and of what may not be.
var (
	good = text.Colors{text.FgGreen}
	odd  = text.Colors{text.FgYellow}
	bad  = text.Colors{text.FgRed}
)

// prefixes say how loud a line is, where that is not said by its place.
var prefixes = map[loudness]struct {
	text   string
	colour text.Colors
}{
	warning: {"warning: ", odd}, failure: {"", bad}, hint: {"hint: ", text.Colors{text.FgCyan}},
}

// tint colours a piece of a result.
func (a *app) tint(colour text.Colors, s string) string {
	if !a.colours || len(colour) == 0 {
		return s
	}
	return colour.Sprint(s)
}

// message is what is said, for programs.
type message struct {
	Level loudness `json:"level"`
	Text  string   `json:"text"`
}

// utter says a line on standard error.
func (a *app) utter(level loudness, line string) {
	if a.machine {
		a.tellMachine(message{level, line})
		return
	}
	p := prefixes[level]
	line = p.text + line
	if a.loudColours {
		line = p.colour.Sprint(line)
	}
	fmt.Fprintf(a.errOut, "etcdctr: %s\n", line)
}

// tellMachine writes a line of JSON to standard error.
func (a *app) tellMachine(v any) {
	enc := json.NewEncoder(a.errOut)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // a reader that went away is no failure of the command
}

// speakFor has everything that is said be JSON where a command is told so.
func (a *app) speakFor(cmd *cobra.Command) {
	if f := cmd.Flags().Lookup("progress"); f != nil && f.Value.String() == progressJSON {
		a.machine = true
	}
}

// say tells a person something on standard error.
func (a *app) say(format string, args ...any) { a.utter(note, fmt.Sprintf(format, args...)) }

// warn is say for what may surprise later.
func (a *app) warn(format string, args ...any) { a.utter(warning, fmt.Sprintf(format, args...)) }

// fail prints an error, one line for each of the errors joined in it, and its
// hint if it has one.
func (a *app) fail(err error) {
	for _, line := range strings.Split(err.Error(), "\n") {
		a.utter(failure, line)
	}
	if h := (*hintedError)(nil); errors.As(err, &h) {
		a.utter(hint, h.hint)
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

// warnAll warns of each.
func (a *app) warnAll(notes []string) {
	for _, n := range notes {
		a.warn("%s", n)
	}
}

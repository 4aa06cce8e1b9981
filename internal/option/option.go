// Package option has errors about options call these as whoever is told: a Go program by
// the names of options, and who types a command line by those of its flags.
package option

import (
	"errors"
	"fmt"
	"slices"
)

// Name is that of an option, and that of its flag without the dashes.
type Name string

// Error is the error of options that are wrong, or do not go together.
type Error struct{ named, flagged error }

func (e *Error) Error() string { return e.named.Error() }

func (e *Error) Unwrap() error { return e.named }

// Errorf is fmt.Errorf, of an *Error. What of the arguments is a Name is what Flagged
// gives the dashes to.
func Errorf(format string, args ...any) error {
	flags := slices.Clone(args)
	for i, arg := range flags {
		if name, ok := arg.(Name); ok {
			flags[i] = "--" + name
		}
	}
	return &Error{fmt.Errorf(format, args...), fmt.Errorf(format, flags...)}
}

// Flagged is an error for who types flags: each *Error that it is, or that it joins, calls
// options so. Any other error stays what it is.
func Flagged(err error) error {
	if e, ok := err.(*Error); ok { //nolint:errorlint // what wraps it has words of its own
		return e.flagged
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || !slices.ContainsFunc(joined.Unwrap(), func(e error) bool { return errors.As(e, new(*Error)) }) {
		return err
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, Flagged(e))
	}
	return errors.Join(all...)
}

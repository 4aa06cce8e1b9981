// Package hints is what the command line knows about errors and libraries do not: what a
// person can do about one, and whether the question was wrong rather than the answer
// missing.
package hints

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/etcdctr/etcdctr/internal/option"
)

// hinted carries advice that only the command line can give: a library does not know
// which flag the user could have set.
type hinted struct {
	err  error
	hint string
}

func (e *hinted) Error() string { return e.err.Error() }
func (e *hinted) Unwrap() error { return e.err }

// With attaches what to do next to an error; nil stays nil.
func With(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// Of is what to do about an error; empty if nobody has said it.
func Of(err error) string {
	if h := (*hinted)(nil); errors.As(err, &h) {
		return h.hint
	}
	return ""
}

// usage marks an error as the caller's.
type usage struct{ err error }

func (e *usage) Error() string { return e.err.Error() }
func (e *usage) Unwrap() error { return e.err }

// Usage says of an error that the question was wrong: a flag, an argument, the cluster
// file. What a library calls an option is called a flag. Nil stays nil.
func Usage(err error) error {
	if err == nil {
		return nil
	}
	return &usage{option.Flagged(err)}
}

// IsUsage tells whether the question was wrong.
func IsUsage(err error) bool { return errors.As(err, new(*usage)) }

// advice is what is said about a kind of error.
type advice struct {
	in    []string // the commands that it is for; none: all
	about kind
	wrong bool // the question was
}

// kind tells whether an error is of a kind, and what to do about that one; nothing where
// the error says it all.
type kind func(err error) (hint string, of bool)

// is are the errors that are a target.
func is(target error, hint string) kind {
	return func(err error) (string, bool) { return hint, errors.Is(err, target) }
}

// as are the errors of a type, but for those about which the hint is empty.
func as[E error](hint func(E) string) kind {
	return func(err error) (string, bool) {
		var e E
		if !errors.As(err, &e) {
			return "", false
		}
		text := hint(e)
		return text, text != ""
	}
}

// every are all errors of a type.
func every[E error](hint string) kind {
	return func(err error) (string, bool) { return hint, errors.As(err, new(E)) }
}

// For says what is to be done about an error of a command, if there is something and
// nobody has said so already.
func For(command string, err error) error {
	if err == nil || errors.As(err, new(*hinted)) {
		return err
	}
	for _, a := range advices {
		if len(a.in) > 0 && !slices.Contains(a.in, command) {
			continue
		}
		hint, of := a.about(err)
		if !of {
			continue
		}
		if a.wrong {
			err = Usage(err)
		}
		if hint != "" {
			err = With(err, "%s", hint)
		}
		return err
	}
	return err
}

// interrupted carries the way on from where Ctrl-C has ended something.
type interrupted struct {
	err error
	on  string
}

func (e *interrupted) Error() string { return e.err.Error() }
func (e *interrupted) Unwrap() error { return e.err }

// Interrupted gives an error the way on, where it is Ctrl-C that has ended what was done.
func Interrupted(ctx context.Context, err error, format string, args ...any) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return &interrupted{err, fmt.Sprintf(format, args...)}
}

// On is the way on from an error of Interrupted.
func On(err error) (way string, ended bool) {
	e := (*interrupted)(nil)
	if !errors.As(err, &e) {
		return "", false
	}
	return e.on, true
}

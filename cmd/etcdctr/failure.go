package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/health/doctor"
	"github.com/etcdctr/etcdctr/logs"
	"github.com/etcdctr/etcdctr/runtime"
)

// interruptedError carries the way on from where Ctrl-C has ended something.
type interruptedError struct {
	err error
	on  string
}

func (e *interruptedError) Error() string { return e.err.Error() }

func (e *interruptedError) Unwrap() error { return e.err }

// interrupted gives an error the way on, where it is Ctrl-C that has ended what was done.
func interrupted(ctx context.Context, err error, format string, args ...any) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return &interruptedError{err, fmt.Sprintf(format, args...)}
}

// mostWords is how many of a failed member's lines are shown.
const mostWords = 5

// explain gives a failure of a change what only the command line can say: the
// failed member's own last words, the cause and its remedy where they are known.
// It looks at the cluster as it has failed.
func (f *found) explain(ctx context.Context, flags *clusterFlags, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	failed := doctor.Member{Status: doctor.Exited}
	u, s := (*converge.UnwellError)(nil), (*runtime.StartError)(nil)
	switch {
	case errors.As(err, &u):
		failed.Name, failed.Log = u.Server, u.Log
		err = explainFailure(err, u.Server, u.Log)
	case errors.As(err, &s) && len(s.Log) > 0: // it ran, and is none of the members
		return explainFailure(err, s.Server, s.Log)
	case errors.As(err, &s):
		failed.Name, failed.Status, failed.EngineError = s.Server, doctor.Created, s.Reason
	default:
		return err
	}
	if d, ok := f.Explain(ctx, failed, flags.examination()); ok {
		err = withCause(err, d)
	}
	return err
}

// explainFailure gives a server that failed its own last words.
func explainFailure(err error, server string, log []string) error {
	for _, w := range logs.LastWords(log, mostWords) {
		err = fmt.Errorf("%w\n%s says: %s", err, server, w)
	}
	return withHint(err, "`etcdctr logs %s` shows its whole log, if --keep has kept it", server)
}

func withCause(err error, d doctor.Diagnosis) error {
	return withHint(fmt.Errorf("%w\ncause: %s: %s", err, d.Member, d.Cause), "%s", d.Hint())
}

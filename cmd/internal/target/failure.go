package target

import (
	"context"
	"errors"
	"fmt"

	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/health/doctor"
	"github.com/etcdctr/etcdctr/logs"
	"github.com/etcdctr/etcdctr/runtime"
)

// MostWords is how many of a failed member's lines are shown.
const MostWords = 5

// Explained gives a failure of a change what only the command line can say: the
// failed member's own last words, the cause and its remedy where they are known.
// It looks at the cluster as it has failed.
func (f *Found) Explained(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	var failed doctor.Member
	u, s := (*converge.UnwellError)(nil), (*runtime.StartError)(nil)
	switch {
	case errors.As(err, &u):
		failed = unwell(u)
		err = explainFailure(err, u.Server, u.Log)
	case errors.As(err, &s) && len(s.Log) > 0: // it ran, and is none of the members
		return explainFailure(err, s.Server, s.Log)
	case errors.As(err, &s):
		failed.Name, failed.Status, failed.EngineError = s.Server, doctor.Created, s.Reason
	default:
		return err
	}
	if d, ok := f.Explain(ctx, failed, f.flags.Examination()); ok {
		err = withCause(err, d)
	}
	return err
}

// unwell is what is known of a member that did not come to serve. It is taken back by now,
// maybe, so that it does not run is no cause of it.
func unwell(u *converge.UnwellError) doctor.Member {
	return doctor.Member{Name: u.Server, Log: u.Log}
}

// explainFailure gives a server that failed its own last words.
func explainFailure(err error, server string, log []string) error {
	for _, w := range logs.LastWords(log, MostWords) {
		err = fmt.Errorf("%w\n%s says: %s", err, server, w)
	}
	return hints.With(err, "`etcdctr logs %s` shows its whole log, if --keep has kept it", server)
}

func withCause(err error, d doctor.Diagnosis) error {
	return hints.With(fmt.Errorf("%w\ncause: %s: %s", err, d.Member, d.Cause), "%s", d.Hint())
}

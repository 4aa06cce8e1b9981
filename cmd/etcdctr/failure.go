package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/etcdctr/etcdctr/health/doctor"
	"github.com/etcdctr/etcdctr/stack"
)

// mostWords is how many of a failed member's lines are shown.
const mostWords = 5

// explainFailure gives a container that failed its own last words.
func explainFailure(err error) error {
	u := (*stack.UnwellError)(nil)
	if !errors.As(err, &u) {
		return err
	}
	for _, w := range lastWords(u.Log) {
		err = fmt.Errorf("%w\n%s says: %s", err, u.Service, w)
	}
	return withHint(err, "`etcdctr logs %s` shows its whole log, if --keep has kept it", u.Service)
}

// explain gives a failure the failed container's own last words, and the cause
// and its remedy where they are known. It looks at the stack as it has failed.
func (d *driven) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil || !ofContainer(err) {
		return err
	}
	err = explainFailure(err)
	if found, ok := d.diagnose(ctx, err); ok {
		err = withCause(err, found)
	}
	return err
}

func withCause(err error, d doctor.Diagnosis) error {
	return withHint(fmt.Errorf("%w\ncause: %s: %s", err, d.Member, d.Cause), "%s", d.Hint())
}

// ofContainer reports whether a container has failed, or its start, and not
// something that comes before it.
func ofContainer(err error) bool {
	u, o := (*stack.UnwellError)(nil), (*stack.OpError)(nil)
	return errors.As(err, &u) || errors.As(err, &o) && o.Op.Verb == stack.Start
}

// diagnose asks the doctor about the members. Those that were not started are no
// cause of anything: the failure of another has kept them from it.
func (d *driven) diagnose(ctx context.Context, failure error) (doctor.Diagnosis, bool) {
	s, err := stack.Observe(ctx, d.engine, d.project)
	if err != nil {
		return doctor.Diagnosis{}, false // the failure itself is told in any case
	}
	e := evidenceFlags(d.flags)
	if d.wantedFlags != nil {
		e.Flags, e.Wanted = []string{"--name", d.project}, d.wantedFlags
	}
	for _, c := range s.Members() {
		m, err := inspectMember(ctx, d.engine, c)
		if o := (*stack.OpError)(nil); errors.As(failure, &o) && o.Op.Name == c.Name {
			m.EngineError = o.Err.Error() // which the engine may have told once, and not kept
		}
		if err != nil {
			continue
		}
		m.Waits = m.Status == doctor.Created && m.EngineError == ""
		m.Serves = d.serves(ctx, c)
		e.Members = append(e.Members, m)
	}
	found, ok := doctor.Diagnose(e)
	return found, ok && found.Known
}

func (d *driven) serves(ctx context.Context, c stack.Container) bool {
	ctx, cancel := context.WithTimeout(ctx, oneAnswer)
	defer cancel()
	return c.Running() && d.prober.Probe(ctx, c) == nil
}

// oneAnswer is how long a member may take to say that it is well, among others
// that are not.
const oneAnswer = time.Second

// lastWords are the last lines of a log that tell of something wrong; of one
// without any, the last lines.
func lastWords(log []string) []string {
	var bad, all []string
	for _, line := range log {
		text, wrong := readLogLine(line)
		all = append(all, text)
		if wrong {
			bad = append(bad, text)
		}
	}
	if len(bad) > 0 {
		all = bad
	}
	all = slices.Compact(all)
	return all[max(0, len(all)-mostWords):]
}

// readLogLine takes the message and the cause out of a line of etcd's log, and
// reports whether it tells of something wrong. Any other line is its own
// message.
func readLogLine(line string) (text string, wrong bool) {
	var entry struct{ Level, Msg, Error string }
	if json.Unmarshal([]byte(line), &entry) != nil || entry.Msg == "" {
		return line, false
	}
	if entry.Error != "" {
		return entry.Msg + ": " + entry.Error, true
	}
	return entry.Msg, slices.Contains([]string{"error", "dpanic", "panic", "fatal"}, entry.Level)
}

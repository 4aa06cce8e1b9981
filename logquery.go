package etcdctr

import (
	"errors"
	"regexp"
	"strconv"
	"time"

	"github.com/etcdctr/etcdctr/internal/option"
	"github.com/etcdctr/etcdctr/logs"
	"github.com/etcdctr/etcdctr/runtime"
)

// LogQuery says which lines of members are wanted, each part as somebody writes it.
type LogQuery struct {
	// Follow goes on with what they say next.
	Follow bool
	// Since leaves out what is older: a duration, such as 10m, or a time in RFC 3339;
	// empty for everything.
	Since string
	// Tail is how many last lines of each member are wanted, before Level and Grep choose
	// among them; empty, or all, for every one.
	Tail string
	// Level is the least grave that is wanted, one of logs.Levels.
	Level string
	// Grep is a regular expression that the lines match; empty for all.
	Grep string
}

// Read gives what the members are asked for, and what is chosen from the answer, now. The
// error says everything that is wrong with the query.
func (q LogQuery) Read(now time.Time) (o runtime.LogOptions, chosen logs.Filter, err error) {
	o = runtime.LogOptions{Follow: q.Follow, Tail: -1}
	chosen.Level = logs.ParseLevel(q.Level)
	var errs []error
	if q.Grep != "" {
		if chosen.Grep, err = regexp.Compile(q.Grep); err != nil {
			errs = append(errs, option.Errorf("%s %q is no regular expression: %w", option.Name("grep"), q.Grep, err))
		}
	}
	if q.Tail != "" && q.Tail != "all" {
		if o.Tail, err = strconv.Atoi(q.Tail); err != nil || o.Tail < 0 {
			errs = append(errs, option.Errorf("%s must be a number of lines, not %q", option.Name("tail"), q.Tail))
		}
	}
	if q.Since != "" {
		age, err := time.ParseDuration(q.Since)
		if o.Since = now.Add(-age); err != nil {
			o.Since, err = time.Parse(time.RFC3339, q.Since)
		}
		if err != nil {
			errs = append(errs, option.Errorf("%s must be a duration such as 10m or a time in RFC 3339, not %q", option.Name("since"), q.Since))
		}
	}
	return o, chosen, errors.Join(errs...)
}

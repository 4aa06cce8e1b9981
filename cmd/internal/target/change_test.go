package target

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/converge"
)

// A restart that rotate-ca has begun is gone on with by rotate-ca: the other stages come
// after it.
func TestAPartIsGoneOnWithByTheWhole(t *testing.T) {
	for want, test := range map[string]struct {
		change etcdctr.Change
		of     []string
	}{
		"restart etcd1":        {etcdctr.Change{Verb: converge.Restart, Servers: []string{"etcd1"}}, nil},
		"member replace etcd1": {etcdctr.Change{Verb: converge.Replace, Servers: []string{"etcd1"}}, nil},
		"certs rotate-ca":      {etcdctr.Change{Verb: converge.Restart, Servers: []string{"etcd1"}}, []string{"certs", "rotate-ca"}},
	} {
		if got := strings.Join(goingOn(test.change, test.of), " "); got != want {
			t.Errorf("%q goes on with %q", got, want)
		}
	}
}

// What was not answered in time is no fault that anybody has to look for first.
func TestWhatIsNotAnsweredInTimeIsGoneOnWith(t *testing.T) {
	step := func(err error) error {
		return &converge.StepError{Step: converge.Step{Kind: converge.RefreshStore}, Err: err}
	}
	slow := fmt.Errorf("cannot read the metrics of etcd1: %w", context.DeadlineExceeded)
	for _, test := range []struct {
		err  error
		late bool
	}{
		{step(slow), true},
		{slow, true},
		{step(&converge.UnwellError{Server: "etcd1", What: "does not serve", Err: slow}), false},
		{step(errors.New("no space left on device")), false},
	} {
		if got := late(test.err); got != test.late {
			t.Errorf("%v counts as late: %v", test.err, got)
		}
	}
}

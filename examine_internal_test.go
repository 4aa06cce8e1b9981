package etcdctr

import (
	"context"
	"fmt"
	"testing"

	"github.com/etcdctr/etcdctr/runtime"
)

// mute is a runtime whose servers' logs can't be had.
type mute struct {
	runtime.Runtime
	err error
}

func (m mute) Logs(context.Context, string, runtime.LogOptions, func(runtime.Line)) error {
	return m.err
}

func TestTheDoctorDoesWithoutLogsThatAreElsewhere(t *testing.T) {
	for _, err := range []error{fmt.Errorf("the logs: %w", runtime.ErrElsewhere), &runtime.AwayError{Server: "etcd1"}} {
		p := &patient{Cluster: &Cluster{runtime: mute{err: err}}}
		if _, got := p.lastLines(t.Context(), "etcd1"); got != nil {
			t.Errorf("it gives up: %v", got)
		}
	}
}

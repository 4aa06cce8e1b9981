package etcdctr

import (
	"context"
	"fmt"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/health/doctor"
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

// In the second after members were killed nothing has failed yet but that they do not
// answer; start waits for them, where all have their data.
func TestTheDoctorWaitsForMembersThatAreStartedAgain(t *testing.T) {
	ended := `{"level":"info","msg":"ready to serve client requests"}`
	killed := doctor.Member{Name: "etcd2", Status: doctor.Restarting, Data: doctor.DataKept, Log: []string{ended}}
	running := doctor.Member{Name: "etcd1", Status: doctor.Running, Answers: true, Data: doctor.DataKept}
	for name, tt := range map[string]struct {
		members []doctor.Member
		command string
		looks   bool
	}{
		"one is started again": {[]doctor.Member{running, killed}, "etcdctr start", false},
		"all run":              {[]doctor.Member{running}, "etcdctr health", true},
	} {
		t.Run(name, func(t *testing.T) {
			p := &patient{Cluster: &Cluster{spec: cluster.Spec{}}, want: &cluster.Cluster{}}
			d := p.conclude(doctor.Evidence{Members: tt.members}, health.Report{Failures: []string{"etcd2: does not answer"}})
			if d.Command != tt.command || d.Looks != tt.looks {
				t.Errorf("got %+v, want %q", d, tt.command)
			}
		})
	}
}

package stack

import (
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// Whoever made a container may have asked for a start interval where the engine has
// none, or for none where it has one.
func TestAStartIntervalAloneReplacesNoContainer(t *testing.T) {
	half := types.Duration(500 * time.Millisecond)
	service := func(command string, interval *types.Duration) (s types.ServiceConfig) {
		s.Name, s.Command, s.HealthCheck = "etcd1", types.ShellCommand{command}, &types.HealthCheckConfig{StartInterval: interval}
		return s
	}
	with, without, other := service("etcd", &half), service("etcd", nil), service("another", nil)
	for _, tt := range []struct {
		was, is types.ServiceConfig
		want    bool
	}{
		{with, with, true}, {with, without, true}, {without, with, true}, {other, without, false}, {with, other, false},
	} {
		h, err := serviceHash(tt.was)
		if err != nil {
			t.Fatal(err)
		}
		w := Wanted{StartInterval: 500 * time.Millisecond}
		if got, err := w.made(tt.is, Container{ConfigHash: h}); err != nil || got != tt.want {
			t.Errorf("%v for %v: %v, %v", tt.was.HealthCheck.StartInterval, tt.is.HealthCheck.StartInterval, got, err)
		}
	}
}

package hosts

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/runtime"
)

// Nobody is there, and whoever waits learns what for.
func TestAWaitForSomebodySaysThatItGoesOn(t *testing.T) {
	for listening, want := range map[bool]string{true: "etcd1 does not listen at https://192.0.2.1:2379 yet: ", false: "etcd1 listens at https://192.0.2.1:2379 still: "} {
		ctx, stop := context.WithCancel(t.Context())
		var said runtime.Event
		r := New(Options{
			Dial: func(context.Context, string, string) (net.Conn, error) {
				if listening {
					return nil, errors.New("nobody is there")
				}
				here, there := net.Pipe()
				there.Close()
				return here, nil
			},
			Events: func(e runtime.Event) { said = e; stop() },
		})
		r.reminder = time.Millisecond
		if err := r.await(ctx, t.Context(), "etcd1", "https://192.0.2.1:2379", listening); !errors.Is(err, context.Canceled) {
			t.Errorf("it ends with %v", err)
		}
		if said.Action != runtime.Caveat || !strings.HasPrefix(said.Detail, want) {
			t.Errorf("it says %q %q, want %q", said.Action, said.Detail, want)
		}
	}
}

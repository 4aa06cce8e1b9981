package swarm

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// firstContact is how long the first connection to a node may take: a container that
// was just put on the network reaches the other nodes only a second later.
const firstContact = 3 * time.Second

// Reach puts a container on the members' network that carries connections. Members
// that run are dialled before anybody waits for an answer of theirs.
func (r *Runtime) Reach(ctx context.Context, have *runtime.State) (runtime.Way, error) {
	if _, err := r.manages(ctx); err != nil {
		return runtime.Way{}, err
	}
	n, ok, err := r.findNetwork(ctx, have.Name)
	if err != nil {
		return runtime.Way{}, err
	}
	if !ok {
		return runtime.Way{}, fmt.Errorf("the swarm has no network %s: `etcdctr up` makes it", networkName(have.Name))
	}
	t, err := stack.OpenRelay(ctx, r.engine, n.Name, n.ID, stack.TunnelOptions{
		Project: have.Name, Network: compose.ClusterNetwork, RelayImage: r.o.OwnImage, RelayCommand: r.o.Relay, SeesFiles: r.seesFiles,
	})
	if err != nil {
		return runtime.Way{}, err
	}
	touch(ctx, t.DialContext, have)
	return runtime.Way{Dial: t.DialContext, Done: t.Done(), Close: t.Close}, nil
}

// seesFiles reports whether the engine is this machine's.
func (r *Runtime) seesFiles(ctx context.Context) (bool, error) {
	return stack.SeesFiles(ctx, r.engine, stack.Make{})
}

// touch makes a connection to each member that runs. One that fails says nothing that
// whoever asks the member will not hear.
func touch(ctx context.Context, dial func(context.Context, string, string) (net.Conn, error), have *runtime.State) {
	ctx, cancel := context.WithTimeout(ctx, firstContact)
	defer cancel()
	running := slices.DeleteFunc(have.Members(), func(s runtime.Server) bool { return !s.Runs() })
	var wg sync.WaitGroup
	for _, m := range running {
		u, err := url.Parse(m.ClientURL())
		if err != nil || u.Host == "" {
			continue
		}
		wg.Go(func() {
			conn, err := dial(ctx, "tcp", u.Host)
			if err == nil {
				conn.Close()
			}
		})
	}
	wg.Wait()
}

package local

import (
	"context"
	"fmt"
	"net"
	"slices"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file has nobody answer for a member that does not listen: whoever else has got its
// port, as the member of another cluster, serves there as well.

// unproven are the members, by the address where clients reach them, whose certificate proves
// to nobody that it is they who answer.
func unproven(members []runtime.Server) map[string]string {
	byAddress := map[string]string{}
	for _, m := range members {
		if m.TLS() == cluster.Mutual {
			continue
		}
		for _, address := range m.Published {
			byAddress[address] = m.Name
		}
	}
	return byAddress
}

// checkListener is an error where it is not a member's own process that listens at its
// address. What can't be seen is none.
func (r *Runtime) checkListener(ctx context.Context, name, server, address string) error {
	state, err := r.home(name).State()
	if err != nil {
		return nil //nolint:nilerr // nobody runs it here who could tell
	}
	s := stateOf(state.Members, server)
	if s == nil {
		return nil
	}
	var own []string
	if s.Process.Alive() {
		if own, err = process.Listening(ctx, s.Process.PID); err != nil && s.Process.Alive() {
			return nil // it is another user's
		}
	}
	if slices.Contains(own, address) {
		return nil
	}
	return &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("whoever listens at %s is not %s", address, server)}
}

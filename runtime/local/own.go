package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/etcdctr/etcdctr/internal/listening"
	"github.com/etcdctr/etcdctr/internal/lockfile"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
)

// ownTime is how long a member is waited for to listen: etcd does before it reads its data.
const ownTime = 5 * time.Second

// awaitOwn waits until members listen at their own ports. Somebody else may have taken one
// since it was found free; and in plain text whoever serves there, such as the member of a
// cluster that was started at the same moment, passes for the member that does not. The
// error is a *runtime.StartError. What can't be seen here is no error.
func awaitOwn(ctx context.Context, home process.Home, servers []string) error {
	stack, err := home.Stack()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, ownTime)
	defer cancel()
	for _, name := range servers {
		m, waits := process.Find(stack.Members, name)
		for waits {
			taken, settled := portsOf(ctx, home, m)
			if taken != "" {
				err := fmt.Errorf("listen tcp %s: bind: address already in use", taken) // as etcd says it
				return &runtime.StartError{Server: name, Reason: err.Error(), Err: err}
			}
			if settled {
				break
			}
			select {
			case <-ctx.Done():
				waits = false
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	return nil
}

// takeTurn waits until nobody else starts members at ports that they have not had before:
// whoever comes later finds those taken.
func (r *Runtime) takeTurn(ctx context.Context, home process.Home, servers []string) (release func(), err error) {
	last, err := home.Stack()
	if err != nil && !errors.Is(err, process.ErrNoStack) {
		return nil, err
	}
	kept := keptPorts(last)
	if r.o.LockDir == "" || !slices.ContainsFunc(servers, func(name string) bool { return kept[name] == 0 }) {
		return func() {}, nil
	}
	unlock, err := lockfile.Acquire(ctx, r.o.LockDir)
	if err != nil {
		return nil, err
	}
	return func() { _ = unlock() }, nil // it ends with the process at the latest
}

// portsOf gives an address of a member that ended that somebody else listens on, empty for
// none, and tells whether no more is to be learnt of its ports: it listens for clients
// itself, ended by something else, or can't be seen.
func portsOf(ctx context.Context, home process.Home, m process.Member) (taken string, settled bool) {
	state, err := home.State()
	if err != nil {
		return "", true
	}
	s := stateOf(state.Members, m.Name)
	if s == nil {
		return "", true
	}
	if s.Process.Alive() {
		addresses, err := process.Listening(ctx, s.Process.PID)
		unseen := err != nil && s.Process.Alive() // or it has ended just now
		return "", unseen || slices.Contains(addresses, clientAddress(m).String())
	}
	for _, address := range slices.Sorted(maps.Keys(m.Addresses)) {
		if listening.Taken(address) {
			return address, true
		}
	}
	return "", s.Status != process.Running // or that it ended is not noted yet
}

// checkPorts refuses addresses that members which are there are to get and somebody else has.
// The errors are *runtime.PortErrors.
func checkPorts(home process.Home, wanted process.Stack, servers []string) error {
	last, err := home.Stack()
	if err != nil {
		return nil //nolint:nilerr // there is nobody to be stopped for it
	}
	own := map[string]string{}
	for _, m := range slices.Concat(last.Members, last.Services) {
		maps.Copy(own, m.Addresses)
	}
	var errs []error
	for _, m := range wanted.Members {
		_, there := process.Find(last.Members, m.Name)
		if !there || len(servers) > 0 && !slices.Contains(servers, m.Name) {
			continue
		}
		for _, address := range slices.Sorted(maps.Keys(m.Addresses)) {
			if _, had := own[address]; had {
				continue
			}
			if err := listening.Refused(address); err != nil {
				errs = append(errs, &runtime.PortError{Server: m.Name, Address: address, Err: err})
			}
		}
	}
	return errors.Join(errs...)
}

// Addresses are those that the members of a cluster have who run, all that they listen on.
func (r *Runtime) Addresses(name string) []string {
	stack, err := r.home(name).Stack()
	if err != nil {
		return nil // nobody runs here
	}
	state, err := r.home(name).State()
	if err != nil {
		return nil
	}
	var all []string
	for _, m := range stack.Members {
		if s := stateOf(state.Members, m.Name); s != nil && s.Process.Alive() {
			all = slices.AppendSeq(all, maps.Keys(m.Addresses))
		}
	}
	return all
}

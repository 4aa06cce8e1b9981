package adopt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// Runtime has the members of a cluster of ours and those that are to be adopted.
// One of these that has a successor of its name which has its data is not seen any
// more, and neither is one that was retired.
type Runtime struct {
	runtime.Runtime // of ours
	Foreign         Foreign
}

var (
	_ runtime.Runtime = (*Runtime)(nil)
	_ runtime.Filler  = (*Runtime)(nil)
	_ runtime.Stager  = (*Runtime)(nil)
	_ runtime.Noter   = (*Runtime)(nil)

	_ runtime.Discarder = (*Runtime)(nil)
)

// Observe tells of both.
func (r *Runtime) Observe(ctx context.Context, name string) (*runtime.State, error) {
	c, err := r.look(ctx, name)
	if err != nil {
		return nil, err
	}
	if c.ours == nil && len(c.left) == 0 {
		return nil, &runtime.NotFoundError{Name: name}
	}
	return c.state(name, r.Name()), nil
}

// Data is that of a member that is to be adopted, or of one of ours.
func (r *Runtime) Data(ctx context.Context, name, server string) (runtime.Data, error) {
	s, err := r.Foreign.Look(ctx)
	if err != nil && !errors.Is(err, ErrNothing) {
		return runtime.Unknown, err
	}
	data, err := r.Runtime.Data(ctx, name, server)
	if m, ok := s.Member(server); ok && data != runtime.Kept && err == nil {
		return m.Data, nil
	}
	return data, err
}

// Changes are those of our own servers; a member that is to be adopted is to be
// replaced, or to leave.
func (r *Runtime) Changes(ctx context.Context, want *cluster.Cluster, _ *runtime.State) ([]runtime.Change, error) {
	c, err := r.look(ctx, want.Name)
	if err != nil {
		return nil, err
	}
	changes, err := r.Runtime.Changes(ctx, want, c.ours)
	if err != nil {
		return nil, err
	}
	changes = slices.DeleteFunc(changes, func(x runtime.Change) bool { _, left := c.member(x.Server); return left })
	for _, m := range c.left {
		change := runtime.Change{Server: m.Name, Kind: runtime.Leave}
		if i := slices.IndexFunc(want.Members, func(w cluster.Member) bool { return w.Name == m.Name }); i >= 0 {
			change.Kind = runtime.Replace
			change.Differences = []runtime.Difference{{Name: "of", Was: c.stack.Name, Is: want.Name}}
		}
		changes = append(changes, change)
	}
	slices.SortFunc(changes, func(a, b runtime.Change) int { return strings.Compare(a.Server, b.Server) })
	return changes, nil
}

// ErrCopy is the error of changing a cluster whose members have to be made of
// copies first.
var ErrCopy = errors.New("the members that are to be adopted can't be exchanged while they serve")

// Prepare prepares our own servers, and lets them reach the others.
func (r *Runtime) Prepare(ctx context.Context, want *cluster.Cluster, servers ...string) error {
	c, err := r.look(ctx, want.Name)
	if err != nil {
		return err
	}
	if len(c.left) > 0 {
		way, why := Choose(c.stack, want)
		if way == Copy {
			return fmt.Errorf("%w: %s", ErrCopy, why)
		}
		if err := c.stack.lossless(way, want); err != nil {
			return err
		}
	}
	if err := r.Runtime.Prepare(ctx, want, servers...); err != nil {
		return err
	}
	return r.meet(ctx, want, c)
}

func (r *Runtime) meet(ctx context.Context, want *cluster.Cluster, c *scene) error {
	if c.stack != nil && len(c.stack.Neighbors) > 0 {
		if err := r.Foreign.Bring(ctx, want.Name, c.stack.Neighbors); err != nil {
			return err
		}
	}
	running := slices.DeleteFunc(slices.Clone(c.left), func(m Member) bool { return !m.Runs() })
	if len(running) == 0 || len(want.Members) == 1 && len(c.stack.Members) == 1 && want.Members[0].Name == running[0].Name {
		return nil // nobody has to be met
	}
	return r.Foreign.Meet(ctx, want.Name, running)
}

// Apply gives our own servers the data of those of their names that are to be
// adopted, and makes them run. Those that were stopped for a server of ours that can't
// be started run again.
func (r *Runtime) Apply(ctx context.Context, want *cluster.Cluster, servers ...string) error {
	c, err := r.look(ctx, want.Name)
	if err != nil {
		return err
	}
	replaced := slices.DeleteFunc(slices.Clone(c.left), func(m Member) bool {
		return !slices.ContainsFunc(want.Members, func(w cluster.Member) bool { return w.Name == m.Name }) ||
			len(servers) > 0 && !slices.Contains(servers, m.Name)
	})
	err = r.exchange(ctx, want, c, replaced, servers)
	if err == nil {
		return r.retire(ctx, want.Name, replaced)
	}
	if ctx.Err() != nil { // whoever interrupts it has it go on, or goes on later
		return err
	}
	return errors.Join(err, r.startAgain(ctx, want.Name, replaced))
}

func (r *Runtime) exchange(ctx context.Context, want *cluster.Cluster, c *scene, replaced []Member, servers []string) error {
	for _, m := range replaced {
		if err := r.succeed(ctx, want, m); err != nil {
			return err
		}
	}
	if err := r.meet(ctx, want, c); err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := r.Runtime.Apply(ctx, want, servers...)
		refused := (*runtime.StartError)(nil)
		if !errors.As(err, &refused) || len(refused.Log) > 0 || len(replaced) == 0 || attempt == mostStarts {
			return err
		}
		select { // a port of what was stopped just now may be given back a moment later
		case <-ctx.Done():
			return err
		case <-time.After(nextStart):
		}
	}
}

// How often, and how long after each other, a server is started in the place of one
// that was stopped for it.
const (
	mostStarts = 5
	nextStart  = time.Second
)

func (r *Runtime) retire(ctx context.Context, name string, members []Member) error {
	for _, m := range members {
		if err := r.Foreign.Retire(ctx, name, m); err != nil {
			return err
		}
	}
	return nil
}

// startAgain starts those of members that ran and whose successors do not.
func (r *Runtime) startAgain(ctx context.Context, name string, members []Member) error {
	ours, err := r.Runtime.Observe(ctx, name)
	if err != nil && !errors.Is(err, runtime.ErrNotFound) {
		return err
	}
	var errs []error
	for _, m := range members {
		if successor, ok := ours.Server(m.Name); m.Active() && (!ok || !successor.Runs()) {
			errs = append(errs, r.Foreign.Start(ctx, m))
		}
	}
	if !ours.Runs() { // there is nobody to meet yet
		errs = append(errs, r.Foreign.Part(ctx, name))
	}
	return errors.Join(errs...)
}

// succeed brings what a member holds into the server of ours that takes its place.
func (r *Runtime) succeed(ctx context.Context, want *cluster.Cluster, m Member) error {
	if m.Active() {
		if err := r.Foreign.Stop(ctx, m, 0); err != nil {
			return err
		}
	}
	data, err := r.Foreign.Data(ctx, m)
	if err != nil {
		return err
	}
	defer data.Close()
	_, err = r.Fill(ctx, want, m.Name, data)
	return err
}

// settle retires what an interrupted adoption has left between taking its data and
// that.
func (r *Runtime) settle(ctx context.Context, name string) error {
	c, err := r.look(ctx, name)
	if err != nil {
		return err
	}
	for _, m := range c.over {
		if m.Active() {
			if err := r.Foreign.Stop(ctx, m, 0); err != nil {
				return err
			}
		}
		if err := r.Foreign.Retire(ctx, name, m); err != nil {
			return err
		}
	}
	return nil
}

// split gives the members that are to be adopted of servers, and the others; all
// of both for none.
func (r *Runtime) split(ctx context.Context, name string, servers []string) (left []Member, ours []string, err error) {
	c, err := r.look(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	left, ours = c.split(c.state(name, r.Name()), servers)
	return left, ours, nil
}

// Start starts servers of both.
func (r *Runtime) Start(ctx context.Context, name string, servers ...string) error {
	left, ours, err := r.split(ctx, name, servers)
	for _, m := range left {
		err = errors.Join(err, r.Foreign.Start(ctx, m))
	}
	if err == nil && len(ours) > 0 {
		err = r.Runtime.Start(ctx, name, ours...)
	}
	return err
}

// Stop stops servers of both. Who has left the cluster ends by itself, and its folder does not
// tell then whose it was: who is not there is stopped.
func (r *Runtime) Stop(ctx context.Context, name string, grace time.Duration, servers ...string) error {
	c, err := r.look(ctx, name)
	if err != nil {
		return err
	}
	have := c.state(name, r.Name())
	left, ours := c.split(have, servers)
	for _, m := range left {
		err = errors.Join(err, r.Foreign.Stop(ctx, m, grace))
	}
	ours = slices.DeleteFunc(ours, func(s string) bool { _, there := have.Server(s); return !there })
	if err == nil && len(ours) > 0 {
		err = r.Runtime.Stop(ctx, name, grace, ours...)
	}
	return err
}

// Remove removes our own servers, and with the last of them what members and their
// neighbors were put on to meet them. Those that are to be adopted are only retired,
// and stay, with their data.
func (r *Runtime) Remove(ctx context.Context, name string, removal runtime.Removal) error {
	if len(removal.Servers) == 0 {
		return r.removeAll(ctx, name, removal)
	}
	left, ours, err := r.split(ctx, name, removal.Servers)
	if err != nil {
		return err
	}
	if len(ours) > 0 {
		if err := r.partFromLast(ctx, name, ours); err != nil {
			return err
		}
	}
	for _, m := range left {
		if err := r.Foreign.Retire(ctx, name, m); err != nil {
			return err
		}
	}
	if len(ours) == 0 {
		return nil
	}
	removal.Servers = ours
	return r.Runtime.Remove(ctx, name, removal)
}

// removeAll removes all that is ours. What was taken of members that run again is set aside:
// the next adoption is not to take it for what they hold by then.
func (r *Runtime) removeAll(ctx context.Context, name string, removal runtime.Removal) error {
	c, err := r.look(ctx, name)
	if err != nil {
		return err
	}
	begun, err := r.begun(ctx, c.ours)
	if err != nil {
		return err
	}
	for _, m := range c.left {
		if _, taken := begun[m.Name]; taken && !removal.Data {
			if _, err := r.Runtime.SetAside(ctx, name, m.Name); err != nil {
				return err
			}
		}
	}
	return errors.Join(r.Foreign.Part(ctx, name), r.Runtime.Remove(ctx, name, removal))
}

// partFromLast undoes what members and their neighbors were put on, where servers are all
// that there is of ours.
func (r *Runtime) partFromLast(ctx context.Context, name string, servers []string) error {
	ours, err := r.Runtime.Observe(ctx, name)
	if errors.Is(err, runtime.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if slices.ContainsFunc(ours.Servers, func(s runtime.Server) bool { return !slices.Contains(servers, s.Name) }) {
		return nil
	}
	return r.Foreign.Part(ctx, name)
}

// SetAside is for our own servers.
func (r *Runtime) SetAside(ctx context.Context, name, server string) (string, error) {
	left, _, err := r.split(ctx, name, []string{server})
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("%s is still to be adopted: its data is left where it is", server)
	}
	if err != nil {
		return "", err
	}
	return r.Runtime.SetAside(ctx, name, server)
}

// Logs gives the lines of servers of both.
func (r *Runtime) Logs(ctx context.Context, name string, o runtime.LogOptions, line func(runtime.Line)) error {
	left, ours, err := r.split(ctx, name, o.Servers)
	if err != nil || len(left) == 0 {
		return errors.Join(err, r.Runtime.Logs(ctx, name, o, line))
	}
	if o.Follow && len(ours) > 0 {
		return fmt.Errorf("the logs of members of %s and of those that are to be adopted can't be followed at once: name some", name)
	}
	if err := r.Foreign.Logs(ctx, left, o, line); err != nil || len(ours) == 0 {
		return err
	}
	o.Servers = ours
	return r.Runtime.Logs(ctx, name, o, line)
}

// Reach leads to the members of both that run.
func (r *Runtime) Reach(ctx context.Context, have *runtime.State) (runtime.Way, error) {
	c, err := r.look(ctx, have.Name)
	if err != nil {
		return runtime.Way{}, err
	}
	type end struct {
		member Member
		url    string
	}
	foreign := map[string]end{}
	for _, m := range c.left {
		for _, url := range []string{m.ClientURL(), m.PeerURL()} {
			foreign[addressOf(url)] = end{m, url}
		}
	}
	way := runtime.Way{Direct: true, Close: func() error { return nil }}
	if c.ours.Runs() {
		if way, err = r.Runtime.Reach(ctx, c.ours); err != nil {
			return way, err
		}
	}
	ours := way.Dial
	way.Open = way.Open && len(foreign) == 0
	way.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if e, ok := foreign[address]; ok {
			return r.Foreign.Dial(ctx, e.member, e.url)
		}
		if ours == nil {
			return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("%s is no member that runs", address)}
		}
		return ours(ctx, network, address)
	}
	return way, nil
}

func addressOf(url string) string {
	_, address, _ := strings.Cut(url, "://")
	return address
}

package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/gitignore"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
)

// Prepare finds the etcd that is to run, and looks at folders that it is given.
func (r *Runtime) Prepare(ctx context.Context, want *cluster.Cluster, servers ...string) error {
	return r.Check(ctx, want, servers...)
}

// Check is all of Prepare: there is nothing to get.
func (r *Runtime) Check(ctx context.Context, want *cluster.Cluster, servers ...string) error {
	wanted, err := r.stack(ctx, want)
	home := r.home(want.Name)
	return errors.Join(err, r.becomesEtcd(ctx, want), r.checkLent(want, servers), r.checkBeside(ctx, want), checkOwner(home), checkPorts(home, wanted, servers))
}

// OwnerError is the error of starting members whose folder is another user's.
type OwnerError = process.OwnerError

// checkOwner refuses to start a supervisor that writes what is another user's then. One that
// runs writes as who has started it, whoever asks.
func checkOwner(home process.Home) error {
	if s, err := home.State(); err == nil && s.Running {
		return nil
	}
	return home.CheckOwner()
}

// Apply describes the servers anew and starts them, under the supervisor that
// there is, or a new one.
func (r *Runtime) Apply(ctx context.Context, want *cluster.Cluster, servers ...string) error {
	wanted, err := r.stack(ctx, want)
	if err = errors.Join(err, r.checkLent(want, servers), r.tellMoved(want)); err != nil {
		return err
	}
	home := r.home(want.Name)
	if err := r.hideFolder(); err != nil {
		return err
	}
	if len(servers) == 0 {
		servers = serverNames(wanted)
	}
	state, err := home.State()
	if err != nil && !errors.Is(err, process.ErrNoStack) {
		return err
	}
	last, err := home.Stack()
	if err != nil && !errors.Is(err, process.ErrNoStack) {
		return err
	}
	release, err := r.takeTurn(ctx, home, servers)
	if err != nil {
		return err
	}
	defer release()
	r.tell("start", servers, false)
	err = underWay(ctx, home, state, func() error { return r.change(ctx, home, wanted, state, servers) })
	if errors.Is(err, process.ErrNoStack) {
		err = r.begin(ctx, home, wanted, servers)
	}
	if err == nil {
		err = errors.Join(resume(state, servers), awaitOwn(ctx, home, servers))
	}
	if err != nil {
		return errors.Join(err, putBack(ctx, home, last, wanted, servers))
	}
	r.tell("start", servers, true)
	return nil
}

// Note keeps what the cluster is wanted as.
func (r *Runtime) Note(ctx context.Context, want *cluster.Cluster) error {
	home := r.home(want.Name)
	stack, err := r.described(want.Name)
	if err != nil || stack.Notes[wishNote] == want.Spec.Wish() {
		return err
	}
	noted := maps.Clone(stack.Notes)
	if noted == nil {
		noted = map[string]string{}
	}
	noted[wishNote] = want.Spec.Wish()
	stack.Notes = noted
	state, err := home.State()
	if err == nil {
		err = underWay(ctx, home, state, func() error { return home.Change(ctx, stack) })
	}
	if err == nil || !errors.Is(err, process.ErrNoStack) {
		return err
	}
	return home.Describe(ctx, func(process.Stack) process.Stack { return stack })
}

// underWay gives an order to a stack that runs. One that is being stopped takes none: it
// is waited for, and then is as one that does not run, of which the error is
// process.ErrNoStack.
func underWay(ctx context.Context, home process.Home, state process.State, order func() error) error {
	if !state.Running {
		return process.ErrNoStack
	}
	err := order()
	if errors.Is(err, process.ErrStopping) {
		err = cmp.Or(home.AwaitEnd(ctx), process.ErrNoStack)
	}
	return err
}

// change has a supervisor run what differs or does not run.
func (r *Runtime) change(ctx context.Context, home process.Home, wanted process.Stack, state process.State, servers []string) error {
	last, err := home.Stack()
	if err != nil {
		return err
	}
	there := slices.Concat(last.Services, last.Members)
	var changed []string
	for _, name := range servers {
		is, ok := process.Find(slices.Concat(wanted.Services, wanted.Members), name)
		if !ok {
			return fmt.Errorf("%s is no server of %s", name, wanted.Name)
		}
		was, known := process.Find(there, name)
		s := stateOf(slices.Concat(state.Members, state.Services), name)
		if !known || s == nil || s.Status != process.Running || !s.Process.Alive() || strange(was, is) || len(differences(was, is)) > 0 {
			changed = append(changed, name)
		}
	}
	return home.Change(ctx, placed(wanted, last.Notes[placeNote]), changed...)
}

// begin starts a supervisor. Of a stack that was run before, the servers that
// are not named stay as they were, at rest.
func (r *Runtime) begin(ctx context.Context, home process.Home, wanted process.Stack, servers []string) error {
	last, err := home.Stack()
	if err != nil && !errors.Is(err, process.ErrNoStack) {
		return err
	}
	if err == nil {
		wanted.InTurn = false // they know each other
	}
	named := func(m process.Member) bool { return slices.Contains(servers, m.Name) }
	stack := wanted
	stack.Members, stack.Resting = merge(last.Members, wanted.Members, named), nil
	stack.Services = merge(last.Services, wanted.Services, named)
	for _, m := range stack.Members {
		if !named(m) {
			stack.Resting = append(stack.Resting, m.Name)
		}
	}
	return r.launch(ctx, home, stack, last)
}

// putBack has servers that do not come up as they are wanted, such as at a port that somebody
// else has got, run as they did before.
func putBack(ctx context.Context, home process.Home, last, wanted process.Stack, servers []string) error {
	before, now := slices.Concat(last.Members, last.Services), slices.Concat(wanted.Members, wanted.Services)
	changed := slices.DeleteFunc(slices.Clone(servers), func(name string) bool {
		was, there := process.Find(before, name)
		is, _ := process.Find(now, name)
		return !there || slices.Contains(last.Resting, name) || len(differences(was, is)) == 0
	})
	state, err := home.State()
	if err != nil || !state.Running || len(changed) == 0 || ctx.Err() != nil {
		return nil //nolint:nilerr // nobody runs them any more
	}
	return home.Change(ctx, last, changed...)
}

// resume has servers go on that a signal has frozen.
func resume(state process.State, servers []string) error {
	var errs []error
	for _, s := range slices.Concat(state.Members, state.Services) {
		if slices.Contains(servers, s.Name) {
			errs = append(errs, s.Resume())
		}
	}
	return errors.Join(errs...)
}

// merge gives what is named from wanted, in the order of that, and the rest as
// it was.
func merge(last, wanted []process.Member, named func(process.Member) bool) []process.Member {
	var all []process.Member
	for _, m := range wanted {
		if was, ok := process.Find(last, m.Name); ok && !named(m) {
			all = append(all, was)
		} else if named(m) {
			all = append(all, m)
		}
	}
	for _, m := range last {
		if _, ok := process.Find(wanted, m.Name); !ok {
			all = append(all, m)
		}
	}
	return all
}

// launch starts a stack under a supervisor of its own, where it was before if nobody
// says otherwise.
func (r *Runtime) launch(ctx context.Context, home process.Home, stack, last process.Stack) error {
	if err := home.CheckOwner(); err != nil {
		return err
	}
	if r.o.Foreground.holds(last) {
		return r.o.Foreground.run(ctx, home, placed(stack, ""))
	}
	return home.Launch(ctx, placed(stack, inBackground), r.supervisor())
}

// placed is a stack with a note of where it is.
func placed(stack process.Stack, where string) process.Stack {
	notes := maps.Clone(stack.Notes)
	if notes == nil {
		notes = map[string]string{}
	}
	notes[placeNote] = where
	stack.Notes = notes
	return stack
}

// hideFolder keeps the clusters' folder, keys and data of it, out of a
// repository that it may be in.
func (r *Runtime) hideFolder() error {
	if err := os.MkdirAll(r.o.Folder, 0o755); err != nil {
		return fmt.Errorf("cannot make the folder of local clusters: %w", err)
	}
	if err := gitignore.Write(r.o.Folder); err != nil {
		return fmt.Errorf("cannot write into the folder of local clusters: %w", err)
	}
	return nil
}

// Start starts servers as they are described.
func (r *Runtime) Start(ctx context.Context, name string, servers ...string) error {
	home := r.home(name)
	stack, err := r.described(name)
	if err != nil {
		return err
	}
	if len(servers) == 0 {
		servers = serverNames(stack)
	}
	state, err := home.State()
	if err != nil && !errors.Is(err, process.ErrNoStack) {
		return err
	}
	r.tell("start", servers, false)
	err = underWay(ctx, home, state, func() error { return home.Start(ctx, servers...) })
	if errors.Is(err, process.ErrNoStack) {
		err = r.begin(ctx, home, stack, append(slices.Clone(servers), serviceNames(stack)...))
	}
	if err == nil {
		err = errors.Join(resume(state, servers), awaitOwn(ctx, home, servers))
	}
	if err == nil {
		r.tell("start", servers, true)
	}
	return err
}

func serviceNames(s process.Stack) []string {
	return serverNames(process.Stack{Services: s.Services})
}

// described is what was run last.
func (r *Runtime) described(name string) (process.Stack, error) {
	stack, err := r.home(name).Stack()
	if errors.Is(err, process.ErrNoStack) {
		err = &runtime.NotFoundError{Name: name}
	}
	return stack, err
}

// Stop stops servers at the same time, or all with their supervisor: then the
// leader after its followers.
func (r *Runtime) Stop(ctx context.Context, name string, grace time.Duration, servers ...string) error {
	home := r.home(name)
	if _, err := r.described(name); err != nil {
		return err
	}
	state, err := home.State()
	if errors.Is(err, process.ErrNoStack) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(servers) == 0 && !anyBusy(state) { // and the supervisor is nothing to tell of
		return home.Shutdown(ctx, false)
	}
	r.tell("stop", servers, false)
	switch {
	case len(servers) == 0:
		err = home.Shutdown(ctx, false)
	default:
		err = underWay(ctx, home, state, func() error { return stopTogether(ctx, home, grace, servers) })
		if errors.Is(err, process.ErrNoStack) { // whoever was to stop has
			err = nil
		}
	}
	if err == nil {
		r.tell("stop", servers, true)
	}
	return err
}

// anyBusy tells whether anything is left that would be stopped.
func anyBusy(s process.State) bool {
	return slices.ContainsFunc(slices.Concat(s.Members, s.Services), func(m process.MemberState) bool {
		return m.Status == process.Running || m.Status == process.Restarting || m.Status == process.Orphaned
	})
}

func stopTogether(ctx context.Context, home process.Home, grace time.Duration, servers []string) error {
	errs := make([]error, len(servers))
	var all sync.WaitGroup
	for i, s := range servers {
		all.Go(func() { errs[i] = home.Stop(ctx, grace, s) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// Remove forgets servers; with data it deletes their folders, but for those that
// somebody else has made. With the last server the supervisor ends, and what the cluster has besides data goes.
func (r *Runtime) Remove(ctx context.Context, name string, removal runtime.Removal) error {
	home := r.home(name)
	if len(removal.Servers) == 0 {
		r.tell("remove", nil, false)
		if err := home.Shutdown(ctx, removal.Data); err != nil && !errors.Is(err, process.ErrNoStack) {
			return err
		}
		err := home.Remove(ctx, removal.Data)
		if err == nil {
			r.tell("remove", nil, true)
		}
		return err
	}
	r.tell("remove", removal.Servers, false)
	dirs := map[string]string{}
	for _, s := range removal.Servers {
		dir, err := r.dataDir(name, s)
		if err != nil {
			return err
		}
		dirs[s] = dir
	}
	if err := home.Dismiss(ctx, removal.Servers...); err != nil && !errors.Is(err, process.ErrNoStack) {
		return err
	}
	if removal.Data {
		for _, s := range removal.Servers {
			if isLent(home, dirs[s]) {
				continue
			}
			if err := os.RemoveAll(filepath.Dir(dirs[s])); err != nil {
				return fmt.Errorf("cannot delete the data of %s: %w", s, err)
			}
		}
	}
	r.tell("remove", removal.Servers, true)
	return nil
}

// runs tells whether a server's process lives, or is about to live again.
func (r *Runtime) runs(name, server string) (bool, error) {
	state, err := r.home(name).State()
	if err != nil {
		if errors.Is(err, process.ErrNoStack) {
			err = nil
		}
		return false, err
	}
	s := stateOf(slices.Concat(state.Members, state.Services), server)
	return s != nil && (s.Status == process.Running || s.Status == process.Restarting || s.Status == process.Orphaned), nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func (r *Runtime) now() time.Time { return r.o.Now() }

// tell tells what is done to servers; to the cluster if there are none.
func (r *Runtime) tell(action string, servers []string, done bool) {
	if len(servers) == 0 {
		r.o.Events(runtime.Event{Action: action, Done: done, Operation: true})
	}
	for _, s := range servers {
		r.o.Events(runtime.Event{Server: s, Action: action, Done: done, Operation: true})
	}
}

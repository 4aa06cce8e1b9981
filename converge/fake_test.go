package converge_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// fake is a runtime and an etcd that live in a world, and note what they are
// asked to do.
type fake struct {
	founded *cluster.Cluster // by which all were made at once
	world   world
	calls   []string
	wrong   []string
	// before is asked before everything that is done, and may refuse it.
	before func(call string) error
	// after is asked after it was done, and may say that it failed.
	after func(call string) error

	// unheard: the next learner waits in vain until it is started anew.
	unheard bool

	access    member.Access
	passwords map[string]string
}

func (f *fake) note(format string, args ...any) error {
	call := fmt.Sprintf(format, args...)
	f.calls = append(f.calls, call)
	if f.before != nil {
		return f.before(call)
	}
	return nil
}

func (f *fake) do(step converge.Step, minor int8, data bool) error {
	if err := f.note("%s %s", step.Kind, strings.Join(step.Servers, " ")); err != nil {
		return err
	}
	ok, wrong := f.world.do(step, minor, data)
	if wrong != "" {
		f.wrong = append(f.wrong, wrong)
	}
	if !ok {
		return errors.New("it does not work")
	}
	if f.after != nil {
		return f.after(fmt.Sprintf("%s %s", step.Kind, strings.Join(step.Servers, " ")))
	}
	return nil
}

func (f *fake) hands() *converge.Hands {
	return &converge.Hands{
		Runtime: f,
		Ask:     func(runtime.Way, *runtime.State) (converge.Etcd, error) { return (*fakeEtcd)(f), nil },
		Hop: func(_ context.Context, v cluster.Version) (*cluster.Cluster, error) {
			return f.world.description(v), nil
		},
	}
}

func (f *fake) wish(asked converge.Asked) converge.Wish {
	return converge.Wish{Name: "sim", Want: f.world.description(release(f.world.minor)), Asked: asked}
}

func (f *fake) Name() string { return "fake" }

func (f *fake) Place(context.Context, cluster.Spec) (*cluster.Cluster, error) {
	return nil, errors.ErrUnsupported
}

func (f *fake) List(context.Context) ([]runtime.State, error) { return nil, errors.ErrUnsupported }

func (f *fake) Observe(context.Context, string) (*runtime.State, error) {
	if err := f.note("observe"); err != nil {
		return nil, err
	}
	have := f.world.situation(converge.Asked{Verb: converge.Up}, nil).Have
	if have == nil {
		return nil, runtime.ErrNotFound
	}
	for i, s := range have.Servers { // whoever looks for data looks by Data
		have.Servers[i].Data = runtime.Unknown
		if s.Data == runtime.Volatile {
			have.Servers[i].Data = runtime.Volatile
		}
	}
	return have, nil
}

func (f *fake) Data(_ context.Context, _, server string) (runtime.Data, error) {
	return f.world.server(slotOf(server)).Data, nil
}

func (f *fake) Changes(_ context.Context, want *cluster.Cluster, _ *runtime.State) ([]runtime.Change, error) {
	var changes []runtime.Change
	for i := range f.world.nodes {
		if change, ok := f.world.change(i, i < int(f.world.want), int8(want.Etcd.Minor)); ok {
			changes = append(changes, change)
		}
	}
	return changes, f.note("changes")
}

func (f *fake) Prepare(context.Context, *cluster.Cluster, ...string) error { return f.note("prepare") }

func (f *fake) Apply(_ context.Context, want *cluster.Cluster, servers ...string) error {
	kind := converge.Apply
	if len(servers) == 0 {
		f.founded = want
	}
	if len(servers) == 1 {
		i := slotOf(servers[0])
		if want.Members[slices.IndexFunc(want.Members, func(m cluster.Member) bool { return m.Name == servers[0] })].Settings.Get("initial-cluster-state") == "existing" {
			return f.do(converge.Step{Kind: converge.Join, Servers: servers, Member: member.ID(f.world.seatAt(i).id)}, int8(want.Etcd.Minor), false)
		}
	}
	return f.do(converge.Step{Kind: kind, Servers: servers}, int8(want.Etcd.Minor), false)
}

func (f *fake) Start(_ context.Context, _ string, servers ...string) error {
	return f.do(converge.Step{Kind: converge.Begin, Servers: servers}, 0, false)
}

func (f *fake) Stop(_ context.Context, _ string, _ time.Duration, servers ...string) error {
	if len(servers) == 0 {
		for i := range f.world.nodes {
			servers = append(servers, name(i))
		}
	}
	return f.do(converge.Step{Kind: converge.End, Servers: servers}, 0, false)
}

func (f *fake) Remove(_ context.Context, _ string, r runtime.Removal) error {
	kind := converge.Remove
	if r.Data {
		kind = converge.Delete
	}
	return f.do(converge.Step{Kind: kind, Servers: r.Servers}, 0, r.Data)
}

func (f *fake) SetAside(_ context.Context, _, server string) (string, error) {
	return "aside", f.do(converge.Step{Kind: converge.SetAside, Servers: []string{server}}, 0, false)
}

func (f *fake) Logs(_ context.Context, _ string, o runtime.LogOptions, line func(runtime.Line)) error {
	line(runtime.Line{Server: o.Servers[0], Text: "listen tcp: address already in use"})
	return nil
}

func (f *fake) Reach(context.Context, *runtime.State) (runtime.Way, error) {
	return runtime.Way{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.ErrUnsupported }, Close: func() error { return nil }}, nil
}

func (f *fake) Lock(context.Context, string, func()) (func() error, error) {
	return func() error { return nil }, nil
}

// fakeEtcd is the etcd of a world.
type fakeEtcd fake

func (f *fakeEtcd) do(kind converge.Kind, to string, id member.ID, servers ...string) error {
	return (*fake)(f).do(converge.Step{Kind: kind, Servers: servers, Member: id, To: to}, 0, false)
}

func (f *fakeEtcd) Look(context.Context) (member.View, error) {
	err := (*fake)(f).note("look")
	return *f.world.situation(converge.Asked{Verb: converge.Up}, nil).Etcd, err
}

func (f *fakeEtcd) WaitServing(ctx context.Context, names ...string) error {
	for {
		err := f.do(converge.AwaitServing, "", 0, names...)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (f *fakeEtcd) WaitView(ctx context.Context, wanted func(member.View) error) (member.View, error) {
	v, err := f.Look(ctx)
	return v, errors.Join(err, wanted(v))
}

func (f *fakeEtcd) AddLearner(_ context.Context, peerURLs ...string) (member.Member, error) {
	for i := range most {
		if peerURL(i) == peerURLs[0] {
			return member.Member{}, f.do(converge.AddLearner, "", 0, name(i))
		}
	}
	return member.Member{}, errors.New("nobody has these URLs")
}

func (f *fakeEtcd) Join(ctx context.Context, server string, progress func(member.CatchUp)) error {
	if f.unheard {
		f.unheard = false
		progress(member.CatchUp{Name: server, Unheard: true})
		return errors.Join(errors.New("it waits"), ctx.Err())
	}
	progress(member.CatchUp{Name: server, Answers: true, Applied: 63, Goal: 100})
	return f.do(converge.Promote, "", member.ID(f.world.seatAt(slotOf(server)).id), server)
}

func (f *fakeEtcd) Remove(_ context.Context, id member.ID) error {
	return f.do(converge.RemoveMember, "", id)
}

func (f *fakeEtcd) UpdatePeers(_ context.Context, id member.ID, _ ...string) error {
	return f.do(converge.UpdatePeers, "", id)
}

func (f *fakeEtcd) MoveLeader(_ context.Context, to string) error {
	return f.do(converge.MoveLeader, to, 0)
}

func (f *fakeEtcd) EnableDowngrade(_ context.Context, target string) error {
	return f.do(converge.AllowLower, target+".0", 0)
}

func (f *fakeEtcd) CancelDowngrade(context.Context) error { return f.do(converge.ForbidLower, "", 0) }

func (f *fakeEtcd) WaitStorageVersion(_ context.Context, v string) (member.View, error) {
	return member.View{}, f.do(converge.AwaitStorage, v, 0)
}

func (f *fakeEtcd) WaitClusterVersion(_ context.Context, v string) (member.View, error) {
	return member.View{}, f.do(converge.AwaitVersion, v, 0)
}

func (f *fakeEtcd) WaitNoDowngrade(context.Context) (member.View, error) { return member.View{}, nil }

func (f *fakeEtcd) RenewSnapshots(context.Context) error { return f.do(converge.RefreshStore, "", 0) }

func (f *fakeEtcd) Hash(context.Context) (member.Hashes, error) {
	var h member.Hashes
	h.Revision = 1
	for i := range f.world.nodes {
		if f.world.alive(i) {
			h.Members = append(h.Members, member.Hash{Name: name(i), Hash: 1})
		}
	}
	return h, nil
}

func (f *fakeEtcd) Close() error { return nil }

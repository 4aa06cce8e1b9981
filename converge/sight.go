package converge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// line is the way to the members, kept as long as it leads to those that run.
type line struct {
	key  string
	way  runtime.Way
	etcd Etcd
	// stale: something was done since the members were asked.
	stale bool
}

// Asking gives a Hands.Ask that is a member.Client, with what a client needs for
// TLS; tls gives nil for plain text.
func Asking(tls func(have *runtime.State) (*tls.Config, error), patience member.Patience) func(runtime.Way, *runtime.State) (Etcd, error) {
	return func(way runtime.Way, have *runtime.State) (Etcd, error) {
		config, err := tls(have)
		if err != nil {
			return nil, err
		}
		urls := map[string]string{}
		for _, s := range have.Members() {
			if s.MayAnswer() && s.ClientURL() != "" {
				urls[s.Name] = s.ClientURL()
			}
		}
		return member.New(member.Config{URLs: urls, TLS: config, Dial: way.Dial, Patience: patience})
	}
}

// look sees what is there.
func (r *run) look(ctx context.Context) error {
	if err := r.observe(ctx); err != nil {
		return err
	}
	if err := r.ask(ctx); err != nil {
		return err
	}
	return r.compare(ctx)
}

func (r *run) observe(ctx context.Context) error {
	have, err := r.Runtime.Observe(ctx, r.wish.Name)
	if errors.Is(err, runtime.ErrNotFound) {
		have, err = nil, nil
	}
	if err != nil {
		return err
	}
	r.situation.Have, r.situation.Asked, r.acted = have, r.wish.Asked, false
	r.findV2()
	return nil
}

// findV2 looks for what the API v2 has written, once, where a release is to follow that does
// not start on it.
func (r *run) findV2() {
	have, want := r.situation.Have, r.wish.Want
	if r.HoldsV2 == nil || have == nil || want == nil || want.Etcd.Minor < 6 {
		return
	}
	for i := range have.Servers {
		s := &have.Servers[i]
		was, err := cluster.ParseVersion(s.Release)
		if err != nil || was.Minor > 5 || s.Role != runtime.Member {
			continue
		}
		if _, looked := r.v2[s.Name]; !looked {
			r.v2[s.Name] = r.HoldsV2(*s)
		}
		s.HoldsV2 = s.HoldsV2 || r.v2[s.Name]
	}
}

// seen asks the members that run.
func (r *run) seen(ctx context.Context) error {
	if r.acted {
		if err := r.observe(ctx); err != nil {
			return err
		}
	}
	return r.ask(ctx)
}

// ask asks the members that run, and the runtime for the data of those that
// can't be asked.
func (r *run) ask(ctx context.Context) error {
	if r.ends() {
		return nil
	}
	view := new(member.View)
	if r.runsMember() {
		seen, err := r.interview(ctx)
		if err != nil {
			return err
		}
		*view = seen
	}
	r.situation.Etcd, r.line.stale = view, false
	if err := r.access(ctx); err != nil {
		return err
	}
	r.served = r.served || view.Quorum()
	return r.data(ctx)
}

// interview asks the members. Where all of them stop, nobody's quorum is at stake, and
// they stop as well if they can't be asked, such as for want of a certificate.
func (r *run) interview(ctx context.Context) (member.View, error) {
	etcd, err := r.dial(ctx)
	asked := r.wish.Asked
	if err != nil && ctx.Err() == nil && (asked.Verb == Stop || asked.Verb == Down) && len(asked.Servers) == 0 {
		if !r.blind {
			r.tell(Event{Kind: Blind, Err: err})
		}
		r.blind = true
		return member.View{}, nil
	}
	if err != nil {
		return member.View{}, err
	}
	seen, err := etcd.Look(ctx)
	if err != nil && ctx.Err() != nil {
		return seen, ctx.Err()
	}
	return seen, nil
}

// ends tells whether all is being stopped, and no quorum is left by that. Whoever still
// runs is not asked: it would wait in vain for others, and with that question open it
// would not end.
func (r *run) ends() bool {
	asked := r.wish.Asked
	stops := (asked.Verb == Stop || asked.Verb == Down) && len(asked.Servers) == 0
	return stops && r.served && !r.situation.Etcd.Quorum() && slices.ContainsFunc(r.situation.Done, func(s Step) bool { return s.Kind == End })
}

func (r *run) runsMember() bool {
	for _, s := range r.situation.Have.Members() {
		if s.Status == runtime.Running || s.Status == runtime.Away && s.ClientURL() != "" {
			return true
		}
	}
	return false
}

// data looks for the data of members that don't serve, where the runtime has not
// done so already.
func (r *run) data(ctx context.Context) error {
	if r.situation.Have == nil {
		return nil
	}
	have := *r.situation.Have
	have.Servers = append([]runtime.Server(nil), have.Servers...)
	for i, s := range have.Servers {
		steady := s.Status == runtime.Running && s.Restarts == 0
		if s.Role != runtime.Member || s.Data != runtime.Unknown || steady || r.situation.Etcd.Serving(s.Name) {
			continue
		}
		data, err := r.Runtime.Data(ctx, have.Name, s.Name)
		if err != nil {
			return err
		}
		have.Servers[i].Data = data
	}
	for i, s := range have.Servers {
		have.Servers[i].Blank = r.blank(ctx, s)
	}
	r.situation.Have = &have
	return r.restoring(ctx)
}

// blank looks into what a server has that etcd does not count, and that is to be set aside if
// it is to be a member: what nobody can look into is not called empty.
func (r *run) blank(ctx context.Context, s runtime.Server) bool {
	looker, can := r.Runtime.(runtime.Looker)
	counted := slices.ContainsFunc(r.situation.Etcd.Members, func(m member.Member) bool { return m.Name == s.Name })
	if !can || counted || !r.situation.Etcd.Quorum() || s.Role != runtime.Member || s.Data != runtime.Kept || s.Active() {
		return false
	}
	blank, err := looker.Blank(ctx, r.situation.Have.Name, s.Name)
	return blank && err == nil
}

// restoring looks for what a restoration that was not finished has left, where not all
// members serve. Nobody begins one while a run is under way.
func (r *run) restoring(ctx context.Context) error {
	silent := func(m runtime.Server) bool { return !r.situation.Etcd.Serving(m.Name) }
	if len(r.situation.Done) > 0 || !slices.ContainsFunc(r.situation.Have.Members(), silent) {
		return nil
	}
	have, err := runtime.WithRestoring(ctx, r.Runtime, r.situation.Have)
	if err == nil {
		r.situation.Have = have
	}
	return err
}

// compare holds what is wanted next against what there is.
func (r *run) compare(ctx context.Context) error {
	r.situation.Want, r.situation.Then, r.situation.Changes = r.wish.Want, nil, nil
	if r.wish.Want == nil {
		return nil
	}
	route, err := Route(r.situation, r.wish.Want.Etcd)
	if err != nil {
		return err
	}
	for i, version := range route {
		want, err := r.hop(ctx, version)
		if err != nil {
			return err
		}
		if i == 0 {
			r.situation.Want = want
		} else {
			r.situation.Then = append(r.situation.Then, want)
		}
	}
	if r.wish.Asked.Verb != Up && r.wish.Asked.Verb != Replace {
		return nil // they leave everything as it is
	}
	if len(route) == 1 {
		if err := r.cross(ctx); err != nil {
			return err
		}
	}
	if err := r.changes(ctx); err != nil || len(r.situation.Then) == 0 || !r.situation.leadsNowhere() {
		return err
	}
	r.situation.Want, r.situation.Then = r.situation.Then[0], r.situation.Then[1:]
	return r.changes(ctx)
}

func (r *run) changes(ctx context.Context) error {
	changes, err := r.Runtime.Changes(ctx, r.situation.Want, r.situation.Have)
	r.situation.Changes = changes
	return err
}

// hop is the wanted cluster with a release.
func (r *run) hop(ctx context.Context, version cluster.Version) (*cluster.Cluster, error) {
	if version == r.wish.Want.Etcd {
		return r.wish.Want, nil
	}
	if known := r.hops[version]; known != nil {
		return known, nil
	}
	if r.Hop == nil {
		return nil, &Refusal{
			Reason: fmt.Sprintf("etcd %s has to run before %s", version, r.wish.Want.Etcd),
			Remedy: Remedy{Command: []string{"up", "--etcd", version.String()}, Text: "first"},
		}
	}
	want, err := r.Hop(ctx, version)
	if err != nil {
		return nil, fmt.Errorf("etcd %s, which has to run before %s: %w", version, r.wish.Want.Etcd, err)
	}
	r.hops[version] = want
	return want, nil
}

// dial gives a client of the members that run.
func (r *run) dial(ctx context.Context) (Etcd, error) {
	var key strings.Builder
	for _, s := range r.situation.Have.Members() {
		if s.MayAnswer() {
			fmt.Fprintf(&key, "%s %s %s\n", s.Name, s.ClientURL(), s.Since)
		}
	}
	if r.line.etcd != nil && r.line.key == key.String() {
		return r.line.etcd, nil
	}
	r.hangUp()
	way, err := r.Runtime.Reach(ctx, r.situation.Have)
	if err != nil {
		return nil, err
	}
	etcd, err := r.Ask(way, r.situation.Have)
	if err != nil {
		return nil, errors.Join(err, way.Close())
	}
	r.line = line{key: key.String(), way: way, etcd: etcd, stale: true}
	return etcd, nil
}

// hangUp ends the way to the members.
func (r *run) hangUp() {
	if r.line.etcd != nil {
		_ = r.line.etcd.Close() // nothing more is wanted of it
		_ = r.line.way.Close()
	}
	r.line = line{stale: true}
}

func (r *run) close() { r.hangUp() }

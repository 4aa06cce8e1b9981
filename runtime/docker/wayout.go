package docker

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// This file proves that members don't get out, by trying to from where they are:
// options of networks are dropped by some engines, without a word.

// elsewhere is the network of an engine that containers are on which name none.
const elsewhere = "bridge"

// discard is a port that nobody listens on: who is there refuses, and that is an
// answer, too.
const discard = 9

// wayOutTimeout is how long an answer from elsewhere may take.
const wayOutTimeout = 2 * time.Second

// waysOut has each member that runs try to reach what is not of the stack: a
// container elsewhere on the engine, and outside, the addresses that the user
// names. What an ordinary container does not reach proves nothing and is told as a
// warning.
func (r *Runtime) waysOut(ctx context.Context, s *stack.State, promised *types.Project) (all []runtime.Exposure, warnings []string, err error) {
	members := locked(s, promised)
	if len(members) == 0 {
		return nil, nil, nil
	}
	image, err := r.ownImage(ctx)
	if errors.Is(err, images.ErrNotLinux) {
		return nil, []string{"that members don't get out was not tried: this program is not one that the engine could run there"}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	posts := &posts{r: r, project: s.Project, image: image}
	defer func() { err = errors.Join(err, posts.close()) }()
	goals, warnings, err := posts.goals(ctx)
	if err != nil || len(goals) == 0 {
		return nil, warnings, err
	}
	all, apart, err := posts.try(ctx, members, goals)
	if err != nil || apart {
		return all, warnings, err
	}
	unguarded, err := r.unguarded(ctx)
	return all, append(warnings, unguarded...), err
}

// unguarded tells where nothing keeps the networks of a Docker Engine apart: rules
// that are switched off stay until the machine starts anew, and rules that somebody
// has flushed are back once the engine does. Other engines have other reasons.
func (r *Runtime) unguarded(ctx context.Context) ([]string, error) {
	m, err := r.engineMake(ctx)
	if err != nil || m.Name == stack.Podman {
		return nil, err
	}
	return []string{"the engine's firewall rules, which keep its networks apart, are gone: it makes them anew when it is restarted, " +
		"unless its daemon.json has \"iptables\": false; `up` does not"}, nil
}

// locked are the members that run and that the description lets out nowhere.
func locked(s *stack.State, promised *types.Project) []stack.Container {
	return slices.DeleteFunc(s.Members(), func(c stack.Container) bool {
		service, wanted := promised.Services[c.Service]
		if !wanted || !c.Running() {
			return true
		}
		for key := range service.Networks {
			if compose.LeadsOut(promised.Networks[key]) {
				return true
			}
		}
		return service.NetworkMode != ""
	})
}

// goal is what no member may reach.
type goal struct {
	address string
	name    string // for people
	inside  bool   // it is a container of the engine
}

// posts are relays in several places of an engine.
type posts struct {
	r              *Runtime
	project, image string

	mu   sync.Mutex
	open []*stack.Stand
}

// stand puts a relay somewhere.
func (p *posts) stand(ctx context.Context, network string) (*stack.Stand, error) {
	s, err := stack.OpenStand(ctx, p.r.engine, p.r.engine, stack.RelayOptions{
		Project: p.project, Network: network, Image: p.image, Command: []string{RelayProgram},
	})
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = append(p.open, s)
	return s, nil
}

func (p *posts) close() error {
	errs := make([]error, len(p.open))
	var wg sync.WaitGroup
	for i, s := range p.open {
		wg.Go(func() { errs[i] = s.Close() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// goals are what an ordinary container reaches of what members are to try, and of
// what it does not, warnings.
func (p *posts) goals(ctx context.Context) (all []goal, warnings []string, err error) {
	stranger, err := p.stand(ctx, elsewhere)
	if err != nil { // an engine may have no such network
		return nil, []string{"that members don't get out was not tried: " + err.Error()}, ctx.Err()
	}
	ordinary, err := p.stand(ctx, elsewhere)
	if err != nil {
		return nil, nil, err
	}
	tried := []goal{{netip.AddrPortFrom(stranger.Address, discard).String(), "a container elsewhere on the engine", true}}
	for _, address := range p.r.o.Outside {
		tried = append(tried, goal{address: address, name: address})
	}
	for _, g := range tried {
		if reaches(ctx, ordinary, g.address) {
			all = append(all, g)
		} else {
			warnings = append(warnings, "an ordinary container does not reach "+g.name+": that members don't either proves nothing, and was not tried")
		}
	}
	return all, warnings, nil
}

// try has each member try each goal. It tells whether the engine keeps them apart from
// its containers elsewhere.
func (p *posts) try(ctx context.Context, members []stack.Container, goals []goal) (all []runtime.Exposure, apart bool, err error) {
	all, errs, inside := make([]runtime.Exposure, len(members)), make([]error, len(members)), make([]bool, len(members))
	var wg sync.WaitGroup
	for i, m := range members {
		wg.Go(func() {
			s, err := p.stand(ctx, "container:"+m.ID)
			if err != nil {
				errs[i] = err
				return
			}
			var names []string
			for _, g := range reached(ctx, s, goals) {
				names, inside[i] = append(names, g.name), inside[i] || g.inside
			}
			all[i] = runtime.Exposure{Subject: m.Service, Check: "way out", Expected: runtime.Nothing, Seen: orNothing(names)}
		})
	}
	wg.Wait()
	return all, !slices.Contains(inside, true), errors.Join(errs...)
}

// reached are the goals that a relay reaches.
func reached(ctx context.Context, s *stack.Stand, goals []goal) []goal {
	is := make([]bool, len(goals))
	var wg sync.WaitGroup
	for i, g := range goals {
		wg.Go(func() { is[i] = reaches(ctx, s, g.address) })
	}
	wg.Wait()
	var all []goal
	for i, g := range goals {
		if is[i] {
			all = append(all, g)
		}
	}
	return all
}

// reaches reports whether anybody answers at an address, and be it by refusing.
func reaches(ctx context.Context, s *stack.Stand, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, wayOutTimeout)
	defer cancel()
	conn, err := s.DialContext(ctx, "tcp", address)
	if err == nil {
		conn.Close()
	}
	return err == nil || errors.Is(err, syscall.ECONNREFUSED)
}

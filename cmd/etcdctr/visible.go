package main

import (
	"context"
	"net"
	"net/url"
	"slices"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/stack"
)

// visible are the members of a cluster that this machine's engine or this
// program itself runs, and what a change of their certificates asks of them.
type visible struct {
	app   *app
	flags *stackFlags
}

// visible gives nil where neither runs any.
func (f *stackFlags) visible(ctx context.Context, a *app) (*visible, error) {
	v := &visible{a, f}
	p, err := f.cluster.processes(a)
	if err != nil || p != nil {
		return v, err
	}
	c, err := f.cluster.resolve(a)
	if err != nil {
		return nil, err
	}
	engine, err := connectEngine(ctx)
	if err != nil {
		return nil, nil //nolint:nilerr // without an engine there is nothing to be seen on it
	}
	defer engine.Close()
	s, err := stack.Observe(ctx, engine, c.Name)
	if err != nil || len(s.Members()) == 0 {
		return nil, err
	}
	return v, nil
}

// ask is the question to all members that run.
func (v *visible) ask(pki *certs.PKI) func(context.Context) ([]certs.Answer, error) {
	return func(ctx context.Context) (answers []certs.Answer, err error) {
		running, err := v.running(ctx)
		if err != nil || len(running) == 0 {
			return nil, err
		}
		way, err := v.app.reach(ctx, v.flags.cluster, stack.AutoRoute)
		if err != nil {
			return nil, err
		}
		defer way.close(v.app)
		return pki.Ask(ctx, certs.Dial(way.dial), memberListeners(way.cluster, running))
	}
}

// running lists the members that run.
func (v *visible) running(ctx context.Context) ([]string, error) {
	var names []string
	err := v.with(ctx, func(r runner) error {
		infos, err := r.list(ctx)
		for _, i := range infos {
			if i.Role == stack.Member && (i.Status == string(process.Running) || i.Status == "running") {
				names = append(names, i.Service)
			}
		}
		return err
	})
	return names, err
}

// with opens what runs the members for as long as f takes: what it knows of
// their certificates is never older than that.
func (v *visible) with(ctx context.Context, f func(runner) error) error {
	r, err := v.flags.runner(ctx, v.app)
	if err != nil {
		return err
	}
	defer r.close()
	return f(r)
}

func (v *visible) restart(ctx context.Context, members []string) error {
	return v.with(ctx, func(r runner) error { return r.restart(ctx, v.app, members) })
}

func (v *visible) stop(ctx context.Context) error {
	return v.with(ctx, func(r runner) error { return r.stop(ctx, v.app, nil) })
}

func (v *visible) start(ctx context.Context) error {
	return v.with(ctx, func(r runner) error { return r.start(ctx, v.app, nil) })
}

// memberListeners are where members listen.
func memberListeners(c *cluster.Cluster, names []string) []certs.Listener {
	var list []certs.Listener
	for _, m := range c.Members {
		if slices.Contains(names, m.Name) {
			list = append(list, certs.Listener{Member: m.Name, Client: address(m.ClientURL()), Peer: address(m.PeerURL())})
		}
	}
	return list
}

// address is the host and port of a member's URL.
func address(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text // which dialling will say
	}
	return net.JoinHostPort(u.Hostname(), u.Port())
}

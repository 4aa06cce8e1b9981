package main

import (
	"context"
	"errors"
	"slices"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// visible are the members of a cluster that run where this program sees them,
// and what a change of their certificates asks of them.
type visible struct {
	app   *app
	flags *clusterFlags
	*found
}

// visible gives nil where none runs.
func (f *clusterFlags) visible(ctx context.Context, a *app, w working) (*visible, error) {
	c, err := f.find(ctx, a, w)
	if errors.Is(err, runtime.ErrUnavailable) {
		return nil, nil // without an engine there is nothing to be seen on it
	}
	if err != nil {
		return nil, err
	}
	have, err := c.Observe(ctx)
	if errors.Is(err, runtime.ErrNotFound) || err == nil && len(have.Members()) == 0 {
		c.close()
		return nil, nil
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return &visible{a, f, c}, nil
}

// gather starts members that were stopped, unless all are.
func (v *visible) gather(ctx context.Context) error {
	have, err := v.Observe(ctx)
	if err != nil || !have.Runs() {
		return err
	}
	_, err = v.Make(ctx, etcdctr.Change{Verb: converge.Start, Wait: defaultWaitTimeout, Tell: v.showStep(v.app)})
	if err != nil {
		return v.explain(ctx, v.flags, err)
	}
	return nil
}

// ask is the question to all members that run.
func (v *visible) ask(pki *certs.PKI) func(context.Context) ([]certs.Answer, error) {
	return func(ctx context.Context) (answers []certs.Answer, err error) {
		have, err := v.Observe(ctx)
		if err != nil || !have.Runs() {
			return nil, err
		}
		way, err := v.Connect(ctx)
		if err != nil {
			return nil, err
		}
		defer v.app.closeWay(way)
		return pki.Ask(ctx, certs.Dial(way.Way.Dial), certsListeners(have))
	}
}

func (v *visible) restart(ctx context.Context, members []string) error {
	return v.change(ctx, converge.Restart, members)
}

func (v *visible) stop(ctx context.Context) error { return v.change(ctx, converge.Stop, nil) }

func (v *visible) start(ctx context.Context) error { return v.change(ctx, converge.Start, nil) }

func (v *visible) change(ctx context.Context, verb converge.Verb, members []string) error {
	return v.carryOut(ctx, v.app, v.flags, etcdctr.Change{Verb: verb, Servers: members, Wait: defaultWaitTimeout})
}

// certsListeners are where members that run listen.
func certsListeners(have *runtime.State) []certs.Listener {
	var list []certs.Listener
	for _, m := range slices.DeleteFunc(have.Members(), func(s runtime.Server) bool { return !s.Runs() }) {
		list = append(list, certs.Listener{Member: m.Name, Client: hostOf(m.ClientURL()), Peer: hostOf(m.PeerURL())})
	}
	return list
}

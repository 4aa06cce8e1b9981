package etcdctr

import (
	"cmp"
	"context"
	"errors"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file is about commands that change a cluster one after the other: a wish is
// described before its turn, and what belongs to it is done before the next one's.

// inTurn are the hands for a wish, which is described anew where another command has changed
// the cluster since it was.
func (c *Cluster) inTurn(change Change, wish *converge.Wish) *converge.Hands {
	h := c.hands(change)
	h.Anew = func(ctx context.Context, have *runtime.State) (_ converge.Wish, err error) {
		c.have, c.spec, c.Recalled = have, c.asked, nil
		if have != nil {
			c.spec, c.Recalled = (&Clusters{o: c.o}).recall(c.asked, have)
		}
		*wish, err = c.wish(ctx, change)
		return *wish, err
	}
	h.Settle = func(ctx context.Context, o converge.Outcome) error {
		c.emptied = c.emptiedBy(o.Done, wish.Want, c.served)
		return c.settle(ctx, change, wish.Want, o)
	}
	return h
}

// settle is what a change leaves besides, once it is made.
func (c *Cluster) settle(ctx context.Context, change Change, want *cluster.Cluster, o converge.Outcome) error {
	switch {
	case change.Verb == converge.Up:
		return c.keep(ctx, want, o)
	case change.Verb == converge.Stop && len(change.Servers) == 0:
		return c.runtime.Stop(ctx, c.spec.ClusterName(), 0) // and whatever looks after them
	case change.forgets():
		c.forgetSteps()
		return errors.Join(c.forget(), c.retireToken())
	}
	return nil
}

// forgets tells whether nothing of the cluster is left.
func (c Change) forgets() bool { return c.Verb == converge.Down && c.Data && len(c.Servers) == 0 }

// keep leaves with a cluster that is up what it was started with, and the certificates
// that it can't see here.
func (c *Cluster) keep(ctx context.Context, want *cluster.Cluster, outcome converge.Outcome) error {
	have := outcome.Have
	if err := c.notePlace(); err != nil {
		return err
	}
	if outcome.Etcd != nil {
		c.emptied = cmp.Or(c.emptied, c.judgeSeen(ctx, c.have, *outcome.Etcd))
		c.noteSeen(ctx, *outcome.Etcd, c.o.placesLines(c.spec.ClusterName()))
	}
	if n, ok := c.runtime.(runtime.DataNoter); ok {
		if err := n.NoteData(ctx, c.spec.ClusterName()); err != nil {
			return err
		}
	}
	noted := c.spec.Wish() != "" || have != nil && have.Wish != ""
	if n, ok := c.runtime.(runtime.Noter); ok && noted {
		if err := n.Note(ctx, want); err != nil {
			return err
		}
	}
	return c.handOut(ctx, want)
}

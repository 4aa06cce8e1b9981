package converge

import (
	"context"
	"maps"
	"slices"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file is about the turn that a command has: what others did before it, and what it
// does before it lets the next one.

// catchUp has the wish described anew where another command has changed what it went by:
// it was described before this one had its turn.
func (r *run) catchUp(ctx context.Context) error {
	if r.Anew == nil || alike(r.wish.Seen, r.situation.Have) {
		return nil
	}
	wish, err := r.Anew(ctx, r.situation.Have)
	if err != nil {
		return err
	}
	r.wish, r.bridge = wish, nil
	clear(r.hops)
	return r.look(ctx)
}

// alike tells whether two states are one to who describes a wish: with the same members,
// started by the same settings and in the same words.
func alike(a, b *runtime.State) bool {
	if a == nil || b == nil {
		return len(a.Members()) == 0 && len(b.Members()) == 0
	}
	return a.Wish == b.Wish && a.Folder == b.Folder && a.CertsDir == b.CertsDir &&
		maps.EqualFunc(a.Started(), b.Started(), slices.Equal[cluster.Settings])
}

// settle is what comes last of what went well.
func (r *run) settle(ctx context.Context) error {
	err := r.tidy(ctx)
	if err == nil && r.Settle != nil {
		err = r.Settle(ctx, r.outcome())
	}
	return err
}

// tidy removes what a change before this one has left, and this one has not used.
func (r *run) tidy(ctx context.Context) error {
	t, ok := r.Runtime.(runtime.Tidier)
	if have := r.situation.Have; !ok || have == nil || len(have.Leftovers) == 0 || r.wish.Asked.Verb == Down {
		return nil
	}
	return t.Tidy(ctx, r.wish.Name)
}

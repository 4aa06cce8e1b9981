//go:build unix

package etcdctr_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/member"
)

// Who defragments members and who restarts them both wait until all serve: together they
// would take the quorum.
func TestMembersAreNotDefragmentedWhileAnotherCommandChangesThem(t *testing.T) {
	r := remember(t)
	r.up()
	defer r.hold()()
	r.wantWaiting("Reclaim", func(ctx context.Context, c *etcdctr.Cluster) error {
		_, err := c.Reclaim(ctx, member.Reclaiming{All: true})
		return err
	})
	r.wantWaiting("Compact", func(ctx context.Context, c *etcdctr.Cluster) error {
		_, err := c.Compact(ctx, etcdctr.Compaction{Recover: true})
		return err
	})
}

func TestARestorationIsNotUndoneWhileAnotherCommandChangesTheMembers(t *testing.T) {
	r := remember(t)
	r.up()
	defer r.hold()()
	r.wantWaiting("UndoRestore", func(ctx context.Context, c *etcdctr.Cluster) error {
		_, err := c.UndoRestore(ctx)
		return err
	})
}

// hold is another command that changes the cluster until release.
func (r *remembered) hold() (release func()) {
	r.Helper()
	let, err := r.find().Runtime().Lock(r.Context(), "orders", nil)
	if err != nil {
		r.Fatal(err)
	}
	return func() { _ = let() }
}

// wantWaiting has what is done wait for another command, and say so.
func (r *remembered) wantWaiting(what string, do func(context.Context, *etcdctr.Cluster) error) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
	defer cancel()
	waited := false
	r.events = func(e etcdctr.Event) {
		if e.Waiting {
			waited = true
			cancel()
		}
	}
	if err := do(ctx, r.find()); !errors.Is(err, context.Canceled) || !waited {
		r.Errorf("%s does not wait, or does not say so: %v", what, err)
	}
}

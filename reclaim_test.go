//go:build unix

package etcdctr_test

import (
	"context"
	"errors"
	"testing"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/member"
)

// Who defragments members and who restarts them both wait until all serve: together they
// would take the quorum.
func TestMembersAreNotDefragmentedWhileAnotherCommandChangesThem(t *testing.T) {
	r := remember(t)
	r.up()
	release, err := r.find().Runtime().Lock(t.Context(), "orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for what, do := range map[string]func(context.Context, *etcdctr.Cluster) error{
		"Reclaim": func(ctx context.Context, c *etcdctr.Cluster) error {
			_, err := c.Reclaim(ctx, member.Reclaiming{All: true})
			return err
		},
		"Compact": func(ctx context.Context, c *etcdctr.Cluster) error {
			_, err := c.Compact(ctx, etcdctr.Compaction{Recover: true})
			return err
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		waited := false
		r.events = func(e etcdctr.Event) {
			if e.Waiting {
				waited = true
				cancel()
			}
		}
		if err := do(ctx, r.find()); !errors.Is(err, context.Canceled) || !waited {
			t.Errorf("%s does not wait: %v", what, err)
		}
		cancel()
	}
}

package member

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Event is one change of one key.
type Event struct {
	Deleted bool   `json:"deleted,omitempty"`
	Key     []byte `json:"key"`
	Value   []byte `json:"value,omitempty"`
	// Revision is the change's; several changes of one transaction share it.
	Revision int64 `json:"revision"`
	Created  int64 `json:"created,omitempty"` // the revision that made the key
	Version  int64 `json:"version,omitempty"` // of the key, from 1
	Lease    int64 `json:"lease,omitempty"`
}

// ErrOvertaken is the error of following changes from a revision on that has been
// compacted: what happened in between is known to nobody any more.
var ErrOvertaken = errors.New("the changes that come next have been compacted")

// silence is how long a member may tell nothing until it is asked whether it is
// still there.
const silence = 3 * time.Second

// Follow calls do with all changes that come after a revision, in their order,
// those of one revision together, until ctx ends or something fails. It follows a
// member that serves; whoever calls it again goes on with another one.
func (c *Client) Follow(ctx context.Context, after int64, do func([]Event) error) error {
	v, err := c.Look(ctx)
	if err != nil {
		return err
	}
	for _, e := range append(v.Followers(), v.Endpoints...) {
		if e.Serves() {
			return c.follow(ctx, e.Name, after, do)
		}
	}
	return fmt.Errorf("cannot follow changes: %w", ErrNotServing)
}

func (c *Client) follow(ctx context.Context, name string, after int64, do func([]Event) error) error {
	to, err := c.to(name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changes := to.etcd.Watch(clientv3.WithRequireLeader(ctx), "\x00", clientv3.WithFromKey(), clientv3.WithRev(after+1))
	silent := time.NewTicker(silence)
	defer silent.Stop()
	for {
		select {
		case some, ok := <-changes:
			err := some.Err()
			switch {
			case errors.Is(err, rpctypes.ErrCompacted):
				return fmt.Errorf("%s has compacted up to %d, and %d comes next: %w", name, some.CompactRevision, after+1, ErrOvertaken)
			case err == nil && !ok:
				err = errors.Join(ctx.Err(), ErrNotServing)
			}
			if err != nil {
				return fmt.Errorf("cannot follow %s: %w", name, meaning(err))
			}
			if err := do(eventsOf(some.Events)); err != nil {
				return err
			}
			silent.Reset(silence)
		case <-silent.C: // a watch does not end with its member
			if _, err := c.ask(ctx, name); err != nil {
				return err
			}
		}
	}
}

func eventsOf(list []*clientv3.Event) []Event {
	all := make([]Event, len(list))
	for i, e := range list {
		all[i] = Event{
			Deleted: e.Type == mvccpb.Event_DELETE, Key: e.Kv.Key, Value: e.Kv.Value, Revision: e.Kv.ModRevision,
			Created: e.Kv.CreateRevision, Version: e.Kv.Version, Lease: e.Kv.Lease,
		}
	}
	return all
}

// GrantedTTL is for how many seconds a lease was granted; 0 for one that is no
// more.
func (c *Client) GrantedTTL(ctx context.Context, lease int64) (int64, error) {
	v, err := c.Look(ctx)
	if err != nil {
		return 0, err
	}
	for _, e := range v.Endpoints {
		if !e.Serves() {
			continue
		}
		to, err := c.to(e.Name)
		if err != nil {
			return 0, err
		}
		ctx, cancel := c.question(ctx)
		defer cancel()
		got, err := to.etcd.TimeToLive(ctx, clientv3.LeaseID(lease))
		if err != nil {
			return 0, fmt.Errorf("cannot ask for the lease %x: %w", lease, meaning(err))
		}
		return max(got.GrantedTTL, 0), nil
	}
	return 0, ErrNotServing
}

package member

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// What to do about a database that reached its quota, in this order: Compact,
// since free pages come of old revisions; Defragment each member, since the quota
// counts the file and not what is used of it; Disarm, since nothing else drops
// the alarm.

// Compact forgets what was before a revision, and waits until the pages of it are
// free. That it was compacted so far already is no error.
func (c *Client) Compact(ctx context.Context, revision int64) error {
	who, err := c.servant(ctx, 0)
	if err == nil {
		limited, cancel := context.WithTimeout(ctx, c.config.Patience.Progress+TimeFor(who.said.DBSize))
		defer cancel()
		_, err = who.to.etcd.Compact(limited, revision, clientv3.WithCompactPhysical())
	}
	if errors.Is(err, rpctypes.ErrFutureRev) {
		return fmt.Errorf("cannot compact to revision %d: the newest is %d", revision, who.said.Revision)
	}
	if err != nil && !errors.Is(err, rpctypes.ErrCompacted) {
		return fmt.Errorf("cannot compact to revision %d: %w", revision, meaning(err))
	}
	return nil
}

// Defragment gives a member's free pages back to the disk. The member answers
// nobody meanwhile, so its turn comes while all others serve, and a leader hands
// over before.
func (c *Client) Defragment(ctx context.Context, name string) error {
	said, err := c.ask(ctx, name)
	if err != nil {
		return fmt.Errorf("cannot defragment %s: %w", name, err)
	}
	to, err := c.to(name)
	if err != nil {
		return fmt.Errorf("cannot defragment %s: %w", name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Patience.Progress+TimeFor(said.DBSize))
	defer cancel()
	if _, err := to.maintenance.Defragment(ctx, to.url); err != nil {
		return fmt.Errorf("cannot defragment %s: %w", name, meaning(err))
	}
	return nil
}

// Disarm drops alarms, or all there are if none are named, and waits until they
// are gone. One whose cause is still there comes back with the next write.
func (c *Client) Disarm(ctx context.Context, alarms ...Alarm) error {
	ctx, cancel := context.WithTimeout(ctx, c.config.Patience.Change)
	defer cancel()
	for {
		left, err := c.disarm(ctx, alarms)
		if err == nil && left == 0 {
			return nil
		}
		if err != nil && !passing(err) {
			return fmt.Errorf("cannot disarm the alarms: %w", meaning(err))
		}
		if rest(ctx) != nil {
			return fmt.Errorf("cannot disarm the alarms: %w", errors.Join(meaning(err), ErrNoProgress))
		}
	}
}

// disarm asks for the end of all alarms that are meant, and gives how many there
// were.
func (c *Client) disarm(ctx context.Context, meant []Alarm) (int, error) {
	who, err := c.servant(ctx, 0)
	if err != nil {
		return 0, err
	}
	question, cancel := c.question(ctx)
	defer cancel()
	list, err := who.to.maintenance.AlarmList(question)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, a := range list.Alarms {
		if len(meant) > 0 && !slices.Contains(meant, Alarm{ID(a.MemberID), AlarmKind(a.Alarm.String())}) {
			continue
		}
		n++
		request := &clientv3.AlarmMember{MemberID: a.MemberID, Alarm: etcdserverpb.AlarmType(a.Alarm)}
		if _, err := who.to.maintenance.AlarmDisarm(question, request); err != nil {
			return n, err
		}
	}
	return n, nil
}

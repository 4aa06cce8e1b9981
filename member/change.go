package member

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// pause is how long a wait rests between two looks.
const pause = 25 * time.Millisecond

// AddLearner adds a member without a vote, to be started with these peer URLs,
// an empty data folder, the initial cluster state "existing" and all members as
// its initial cluster. If there already is a learner with these URLs, it is that
// one: an addition that was cut off goes on.
//
// etcd refuses as long as any voter is away, or was within the last 5 s: the
// request is repeated, and then fails with ErrUnhealthy. ErrTooManyLearners,
// ErrPeerURLTaken.
func (c *Client) AddLearner(ctx context.Context, peerURLs ...string) (Member, error) {
	var added Member
	err := c.change(ctx, step{
		done: func(members []Member) (bool, error) {
			i := slices.IndexFunc(members, func(m Member) bool { return sameURLs(m.PeerURLs, peerURLs) })
			if i < 0 {
				return false, nil
			}
			if !members[i].Learner {
				return false, fmt.Errorf("%v: %w", peerURLs, ErrPeerURLTaken)
			}
			added = members[i]
			return true, nil
		},
		do: func(ctx context.Context, to *connection) error {
			_, err := to.etcd.MemberAddAsLearner(ctx, peerURLs)
			return addedBefore(err)
		},
	})
	if err != nil {
		return Member{}, fmt.Errorf("cannot add a learner at %v: %w", peerURLs, err)
	}
	return added, nil
}

// Remove removes a member, by way of another one. It ends by itself; the leader
// should have been moved away before, see HandOver: without, writes fail for a
// second or two. That it is no member any more is no error.
//
// ErrUnhealthy and ErrNotEnoughMembers say that the others could not do without
// it.
func (c *Client) Remove(ctx context.Context, id ID) error {
	err := c.change(ctx, step{
		but:  id,
		done: func(members []Member) (bool, error) { return !contains(members, id), nil },
		do: func(ctx context.Context, to *connection) error {
			_, err := to.etcd.MemberRemove(ctx, uint64(id))
			return err
		},
	})
	if err != nil {
		return fmt.Errorf("cannot remove the member %s: %w", id, err)
	}
	// Its alarms stay in the data of the others, and one refuses all writes.
	if err := c.Disarm(ctx, Alarm{id, NoSpace}, Alarm{id, Corrupt}); err != nil {
		return fmt.Errorf("the member %s is removed: %w", id, err)
	}
	return nil
}

// UpdatePeers makes known that a member is reached by other members at other
// URLs from now on. It has to listen there already.
func (c *Client) UpdatePeers(ctx context.Context, id ID, peerURLs ...string) error {
	err := c.change(ctx, step{
		done: func(members []Member) (bool, error) {
			i := slices.IndexFunc(members, func(m Member) bool { return m.ID == id })
			if i < 0 {
				return false, ErrUnknownMember
			}
			return sameURLs(members[i].PeerURLs, peerURLs), nil
		},
		do: func(ctx context.Context, to *connection) error {
			_, err := to.etcd.MemberUpdate(ctx, uint64(id), peerURLs)
			return err
		},
	})
	if err != nil {
		return fmt.Errorf("cannot change the peer URLs of the member %s to %v: %w", id, peerURLs, err)
	}
	return nil
}

// Promote gives a learner its vote, once. etcd would promote one that has been
// dead for a while, so it is asked itself first: ErrNotAlive if it does not
// answer, a BehindError if it has not carried out all that its leader had
// committed. Join waits for that. That the member has its vote is no error.
func (c *Client) Promote(ctx context.Context, name string) error {
	if err := c.promote(ctx, name); err != nil {
		return fmt.Errorf("cannot promote %s: %w", name, err)
	}
	return nil
}

func (c *Client) promote(ctx context.Context, name string) error {
	catchUp, err := c.catchUp(ctx, name, c.config.Patience.Question)
	if err != nil {
		return err
	}
	return c.promoteAsSeen(ctx, catchUp)
}

// promoteAsSeen promotes a learner that was asked just now how far it is.
func (c *Client) promoteAsSeen(ctx context.Context, catchUp CatchUp) error {
	switch {
	case catchUp.Voter:
		return nil
	case !catchUp.Answers:
		return ErrNotAlive
	case catchUp.Behind() > 0:
		return &BehindError{Name: catchUp.Name, Behind: catchUp.Behind()}
	}
	return c.change(ctx, step{
		done: func(members []Member) (bool, error) {
			i := slices.IndexFunc(members, func(m Member) bool { return m.ID == catchUp.id })
			if i < 0 {
				return false, ErrUnknownMember
			}
			return !members[i].Learner, nil
		},
		do: func(ctx context.Context, to *connection) error {
			_, err := to.etcd.MemberPromote(ctx, uint64(catchUp.id))
			return err
		},
	})
}

// BehindError is an ErrBehind that says by how much.
type BehindError struct {
	Name   string
	Behind uint64 // raft entries
}

func (e *BehindError) Error() string {
	return fmt.Sprintf("%s is %d raft entries behind its leader", e.Name, e.Behind)
}

// Is makes the error an ErrBehind.
func (e *BehindError) Is(target error) bool { return target == ErrBehind }

// step is a change of who the members are.
type step struct {
	// but is a member that is not to be asked.
	but ID
	// done tells by the members whether nothing is to do any more, or can't be.
	done func([]Member) (bool, error)
	do   func(context.Context, *connection) error
}

// change does a step until the members show that it is done, as long as what
// keeps it from it may pass. Looking first makes it safe to repeat what was done
// and whose answer was lost.
func (c *Client) change(ctx context.Context, s step) error {
	patience := c.config.Patience
	ctx, cancel := context.WithTimeout(ctx, max(patience.Change, patience.Progress))
	defer cancel()
	began := c.config.Now()
	var last error
	for asked := false; ; {
		done, err := c.attempt(ctx, s)
		if done {
			return nil
		}
		if err == nil && !asked { // who was asked has done it, which is to be seen now
			asked = true
			continue
		}
		// A time-out of ours says less than what etcd had answered before.
		if err != nil && (last == nil || ctx.Err() == nil) {
			last = err
		}
		if err != nil && !passing(err) {
			return meaning(last)
		}
		// Where voters lose each other for a moment, as on a machine that is busy, the time
		// for which they have to have been connected begins anew.
		over := c.config.Now().Sub(began) > patience.Change && !errors.Is(meaning(last), ErrUnhealthy)
		if over || rest(ctx) != nil {
			return meaning(last)
		}
	}
}

// attempt looks whether a step is done, and if not, does it. It is done only
// when that has been seen.
func (c *Client) attempt(ctx context.Context, s step) (bool, error) {
	who, err := c.servant(ctx, s.but)
	if err != nil {
		return false, err
	}
	question, cancel := c.question(ctx)
	defer cancel()
	list, err := who.to.etcd.MemberList(question)
	if err != nil {
		return false, err
	}
	if done, err := s.done(membersOf(list.Members)); done || err != nil {
		return done, err
	}
	return false, s.do(question, who.to)
}

// rest waits for the next look.
func rest(ctx context.Context) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func contains(members []Member, id ID) bool {
	return slices.ContainsFunc(members, func(m Member) bool { return m.ID == id })
}

func sameURLs(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

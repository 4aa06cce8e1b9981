package member

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// transferable is how many raft entries a follower may be behind to be handed
// the leadership: the leader waits for it, and stops taking writes meanwhile.
// Under load the answers of two members are some hundred entries apart.
const transferable = 1000

// Followers are the voters that serve and do not lead, those most in step and
// then quickest first. The first is the best to lead next, and the one that a
// snapshot costs least.
func (v View) Followers() []Endpoint {
	leader, _ := v.Leader()
	var followers []Endpoint
	for _, m := range v.Voters() {
		if e := v.endpointOf(m); m.ID != leader.ID && e.Serves() {
			followers = append(followers, e)
		}
	}
	slices.SortFunc(followers, func(a, b Endpoint) int {
		behindA, _ := v.Behind(a.Name)
		behindB, _ := v.Behind(b.Name)
		return cmp.Or(cmp.Compare(behindA, behindB), cmp.Compare(a.Latency, b.Latency), cmp.Compare(a.Name, b.Name))
	})
	return followers
}

// HandOver has another member lead, if this one does: what to do before a member
// is stopped or removed. It gives the name of who leads then. ErrNoFollower says
// that there is nobody to hand over to.
func (c *Client) HandOver(ctx context.Context, from string) (string, error) {
	v, err := c.Look(ctx)
	if err != nil {
		return "", err
	}
	leader, ok := v.Leader()
	if !ok {
		return "", fmt.Errorf("cannot hand over from %s: %w", from, ErrNoLeader)
	}
	if e := v.endpointOf(leader); e.Name != from {
		return e.Name, nil
	}
	var errs []error
	for _, follower := range v.Followers() {
		if behind, _ := v.Behind(follower.Name); behind > transferable {
			continue
		}
		err := c.MoveLeader(ctx, follower.Name)
		if err == nil {
			return follower.Name, nil
		}
		errs = append(errs, err)
	}
	return "", fmt.Errorf("cannot hand over from %s: %w", from, errors.Join(append(errs, ErrNoFollower)...))
}

// MoveLeader has a member lead, which has to be a voter that serves, and waits
// until it does. That it leads already is no error.
func (c *Client) MoveLeader(ctx context.Context, to string) error {
	if err := c.moveLeader(ctx, to); err != nil {
		return fmt.Errorf("cannot move the leadership to %s: %w", to, err)
	}
	return nil
}

func (c *Client) moveLeader(ctx context.Context, to string) error {
	ctx, cancel := context.WithTimeout(ctx, c.config.Patience.Change)
	defer cancel()
	next, err := c.ask(ctx, to)
	if err != nil {
		return err
	}
	now, err := c.servant(ctx, 0)
	switch {
	case err != nil:
		return err
	case now.said.Leader == next.ID:
		return nil
	case !now.leads:
		return fmt.Errorf("%w by its endpoint, and only it can hand over", ErrNoLeader)
	}
	if _, err := now.to.maintenance.MoveLeader(ctx, uint64(next.ID)); err != nil {
		return meaning(err)
	}
	for {
		if next, err = c.ask(ctx, to); err == nil && next.Leader == next.ID {
			return c.waitServing(ctx, to)
		}
		if rest(ctx) != nil {
			return fmt.Errorf("%w: etcd says that it leads, and it does not (%w)", ErrNoProgress, errors.Join(err, ctx.Err()))
		}
	}
}

// ask has one member tell its status.
func (c *Client) ask(ctx context.Context, name string) (Endpoint, error) {
	if _, err := c.to(name); err != nil {
		return Endpoint{}, err
	}
	said := c.first(ctx, name)
	if !said.Answers() {
		return said, &TroubleError{name, said.Trouble, said.Details}
	}
	return said, nil
}

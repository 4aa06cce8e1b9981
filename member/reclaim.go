package member

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Reclaiming says how much room is given back, and how.
type Reclaiming struct {
	// All has every member defragmented; otherwise only those whose database is
	// by more than half free, and those that have raised the alarm NOSPACE.
	All bool
	// Members are those that are defragmented; none: all.
	Members []string
	// Tell is told what is done; may be nil.
	Tell func(Reclaimed)
}

// Reclaimed is what came of one member.
type Reclaimed struct {
	Name          string
	Before, After int64 // what the database takes on disk, in bytes
	// Left says that it was left as it is: not enough of it is free.
	Left bool
	// Now says that it begins; After is not known yet.
	Now bool
}

// worthwhile tells whether a defragmentation frees enough for what it costs: the
// member answers nobody meanwhile.
func (v View) worthwhile(e Endpoint) bool {
	return e.DBInUse < e.DBSize/2 || slices.Contains(v.Alarms(), Alarm{e.ID, NoSpace})
}

// Reclaim defragments members one by one, the leader last, once another leads:
// clients that know all members see no failure. Each turn comes when every other
// member serves and is in step; an alarm is no hindrance, since it is what this
// is there for. A member that is unwell ends it before the next is touched, with
// an UnsteadyError.
func (c *Client) Reclaim(ctx context.Context, o Reclaiming) ([]Reclaimed, error) {
	var done []Reclaimed
	turns, err := c.turns(ctx, o.Members)
	if err != nil {
		return nil, err
	}
	for _, name := range turns {
		r, err := c.reclaim(ctx, name, o)
		if err != nil {
			return done, err
		}
		done = append(done, r)
		if o.Tell != nil {
			o.Tell(r)
		}
	}
	return done, nil
}

// turns are the members in the order in which they are defragmented.
func (c *Client) turns(ctx context.Context, only []string) ([]string, error) {
	v, err := c.well(ctx)
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, name := range only {
		if !v.Endpoint(name).Answers() {
			return nil, fmt.Errorf("%s: %w", name, ErrUnknownMember)
		}
		wanted[name] = true
	}
	leader, _ := v.Leader()
	var turns, last []string
	for _, e := range v.Endpoints {
		switch {
		case len(wanted) > 0 && !wanted[e.Name]:
		case e.ID == leader.ID:
			last = append(last, e.Name)
		default:
			turns = append(turns, e.Name)
		}
	}
	return append(turns, last...), nil
}

// well waits until nothing keeps a member from being touched.
func (c *Client) well(ctx context.Context) (View, error) {
	return c.WaitView(ctx, func(v View) error {
		var reasons []Reason
		for _, r := range v.Unsteady() {
			if r.Flaw != Alarmed {
				reasons = append(reasons, r)
			}
		}
		if len(reasons) > 0 {
			return &UnsteadyError{reasons}
		}
		return nil
	})
}

func (c *Client) reclaim(ctx context.Context, name string, o Reclaiming) (Reclaimed, error) {
	v, err := c.well(ctx)
	if err != nil {
		return Reclaimed{}, err
	}
	e := v.Endpoint(name)
	r := Reclaimed{Name: name, Before: e.DBSize, After: e.DBSize}
	if !o.All && !v.worthwhile(e) {
		r.Left = true
		return r, nil
	}
	if o.Tell != nil {
		o.Tell(Reclaimed{Name: name, Before: e.DBSize, Now: true})
	}
	if len(v.Voters()) > 1 {
		if _, err := c.HandOver(ctx, name); err != nil {
			return r, err
		}
	}
	if err := c.Defragment(ctx, name); err != nil {
		return r, err
	}
	if v, err = c.well(ctx); err != nil {
		return r, err
	}
	r.After = v.Endpoint(name).DBSize
	return r, nil
}

// Recovery is what it took to have a full cluster take writes again.
type Recovery struct {
	Revision int64 // that it was compacted to
	Members  []Reclaimed
	// Disarmed are the alarms that are gone.
	Disarmed []Alarm
}

// ErrStillFull is the error of a database that is at its quota with all its old
// revisions gone.
var ErrStillFull = errors.New("what is not free alone is over the quota: delete keys, or raise quota-backend-bytes, and recover again")

// RecoverSpace does all that it takes after the alarm NOSPACE, in the order that
// helps: compact, since free pages come of old revisions; defragment, since the quota counts the file; disarm, since nothing else drops the alarm. Where
// only the alarm is left, as after the quota was raised, that is what is done.
// Nobody who reads or watches from the newest revision on is disturbed.
func (c *Client) RecoverSpace(ctx context.Context, revision int64, o Reclaiming) (Recovery, error) {
	v, err := c.well(ctx)
	if err != nil {
		return Recovery{}, err
	}
	r := Recovery{Revision: revision}
	if revision == 0 {
		r.Revision = v.Newest()
	}
	if err := c.compactEverywhere(ctx, v, r.Revision); err != nil {
		return r, err
	}
	o.All = o.All || len(noSpace(v)) > 0
	if r.Members, err = c.Reclaim(ctx, o); err != nil {
		return r, err
	}
	if v, err = c.Look(ctx); err != nil {
		return r, err
	}
	for _, e := range v.Endpoints {
		if e.Quota > 0 && e.DBSize >= e.Quota {
			return r, fmt.Errorf("%s: %w", e.Name, ErrStillFull)
		}
	}
	if r.Disarmed = noSpace(v); len(r.Disarmed) == 0 {
		return r, nil
	}
	return r, c.Disarm(ctx, r.Disarmed...)
}

func noSpace(v View) []Alarm {
	return slices.DeleteFunc(slices.Clone(v.Alarms()), func(a Alarm) bool { return a.Kind != NoSpace })
}

// compactEverywhere compacts and waits until the pages are free on every member.
// One that is asked waits for its own only, the others go about it in their own
// time, one compaction after the other: so each is asked to compact a revision
// further than the one before.
func (c *Client) compactEverywhere(ctx context.Context, v View, revision int64) error {
	voters := v.Voters()
	for i, m := range voters {
		at := revision - int64(len(voters)-1-i)
		to, err := c.to(v.endpointOf(m).Name)
		if err == nil && at > 0 {
			limited, cancel := context.WithTimeout(ctx, c.config.Patience.Progress+TimeFor(v.endpointOf(m).DBSize))
			_, err = to.etcd.Compact(limited, at, clientv3.WithCompactPhysical())
			cancel()
		}
		if err != nil && !errors.Is(err, rpctypes.ErrCompacted) {
			return fmt.Errorf("cannot compact to revision %d: %w", at, meaning(err))
		}
	}
	return nil
}

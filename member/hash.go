package member

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// Hashes are what the members' data hash to, at one revision.
type Hashes struct {
	Revision int64
	Members  []Hash // by name

	now bool // each was asked for what it had at that moment
}

// Hash is one member's.
type Hash struct {
	Name string
	Hash uint32
	// Revision is up to which it was asked: a lower one than the others' if the
	// member is in step with its leader and does not have theirs.
	Revision int64
	// CompactRevision is what the key space was compacted to. Hashes of
	// different ones can't be compared.
	CompactRevision int64
	// Err is why the member did not tell; nothing else is known then.
	Err error
}

// Groups are the names of the members that told, by what they told: one group is
// as it ought to be.
func (h Hashes) Groups() [][]string {
	index := map[Hash]int{}
	var groups [][]string
	for _, m := range h.told() {
		name := m.Name
		m.Name = ""
		i, ok := index[m]
		if !ok {
			i = len(groups)
			index[m] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], name)
	}
	return groups
}

// Same tells whether all members told, and told the same.
func (h Hashes) Same() bool {
	return len(h.told()) == len(h.Members) && len(h.Groups()) == 1
}

func (h Hashes) told() []Hash {
	return slices.DeleteFunc(slices.Clone(h.Members), func(m Hash) bool { return m.Err != nil })
}

// overtaken tells whether a compaction came in between, or a write where each was
// asked for what it had at that moment.
func (h Hashes) overtaken() bool {
	told := h.told()
	return slices.ContainsFunc(told, func(m Hash) bool {
		return m.CompactRevision != told[0].CompactRevision || h.now && m.Revision != told[0].Revision
	}) || slices.ContainsFunc(h.Members, func(m Hash) bool { return errors.Is(m.Err, rpctypes.ErrCompacted) })
}

// Hash compares the members' data, all of it: members of one cluster can serve,
// be in step and hold different data, which no other question shows. Each
// member reads its whole key space for it. A learner does not tell.
//
// An error is that nobody serves, or ErrCompacting; what kept a single member from
// telling is in its Hash. A compaction that comes in between is waited out, for
// Patience.Progress.
//
// For the revision of a compaction etcd gives the hash that it took while it carried
// that out, of what was there before; a member that has started since has none, and
// hashes what is left. While nobody writes, the newest revision may be such a one for
// good. What a member has at the moment is always hashed anew, and can be compared
// while nobody writes: one of the two ways leads to an end.
func (c *Client) Hash(ctx context.Context) (Hashes, error) {
	limited, cancel := context.WithTimeout(ctx, c.config.Patience.Progress)
	defer cancel()
	for now := false; ; now = !now {
		v, err := c.Look(ctx)
		if err != nil {
			return Hashes{}, err
		}
		if !v.Quorum() {
			return Hashes{}, fmt.Errorf("cannot compare the members' data: %w", ErrNotServing)
		}
		h := c.hashAt(ctx, v, now)
		switch {
		case !h.overtaken():
			return h, ctx.Err()
		case rest(limited) != nil:
			return Hashes{}, cmp.Or(ctx.Err(), fmt.Errorf("cannot compare the members' data: %w", ErrCompacting))
		}
	}
}

// hashAt takes the newest revision that any member has, and waits for the others
// to come as far. Where that is said, they hash what they have then, and not what they
// had at that revision.
func (c *Client) hashAt(ctx context.Context, v View, now bool) Hashes {
	var newest Endpoint // of all revisions and of all raft entries
	for _, e := range v.Endpoints {
		newest.Revision, newest.Applied = max(newest.Revision, e.Revision), max(newest.Applied, e.Applied)
	}
	names := c.names()
	h := Hashes{Revision: newest.Revision, Members: make([]Hash, len(names)), now: now}
	each(names, func(i int, name string) {
		h.Members[i] = c.hashOf(ctx, v.Endpoint(name), newest, now)
	})
	return h
}

func (c *Client) hashOf(ctx context.Context, e, newest Endpoint, now bool) Hash {
	if !e.Answers() {
		return Hash{Name: e.Name, Err: &TroubleError{e.Name, e.Trouble, e.Details}}
	}
	to, err := c.to(e.Name)
	if err != nil {
		return Hash{Name: e.Name, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Patience.Progress+TimeFor(e.DBInUse))
	defer cancel()
	revision, err := c.waitRevision(ctx, e.Name, newest)
	if err != nil {
		return Hash{Name: e.Name, Err: err}
	}
	at := revision
	if now {
		at = 0
	}
	h, err := to.maintenance.HashKV(ctx, to.url, at)
	if err != nil {
		return Hash{Name: e.Name, Err: meaning(err)}
	}
	if now {
		revision = h.Header.GetRevision()
	}
	return Hash{Name: e.Name, Hash: h.Hash, Revision: revision, CompactRevision: h.CompactRevision}
}

// waitRevision waits until a member has the newest revision, or can't come to it
// any more: it has carried out all that the others have, and has another one.
func (c *Client) waitRevision(ctx context.Context, name string, newest Endpoint) (int64, error) {
	applied := false
	for {
		now, err := c.ask(ctx, name)
		switch {
		case err != nil:
			return 0, err
		case now.Revision >= newest.Revision:
			return newest.Revision, nil
		case applied: // at the last look: a status tells its revision first
			return now.Revision, nil
		}
		applied = now.Applied >= newest.Applied
		if err := rest(ctx); err != nil {
			return 0, err
		}
	}
}

package member

import (
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
}

// Hash is one member's.
type Hash struct {
	Name string
	Hash uint32
	// CompactRevision is what the key space was compacted to. Hashes of
	// different ones can't be compared.
	CompactRevision int64
	// Err is why the member did not tell; nothing else is known then.
	Err error
}

// Groups are the names of the members that told, by what they told: one group is
// as it ought to be.
func (h Hashes) Groups() [][]string {
	type key struct {
		hash    uint32
		compact int64
	}
	index := map[key]int{}
	var groups [][]string
	for _, m := range h.Members {
		if m.Err != nil {
			continue
		}
		k := key{m.Hash, m.CompactRevision}
		i, ok := index[k]
		if !ok {
			i = len(groups)
			index[k] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], m.Name)
	}
	return groups
}

// Same tells whether all members told, and told the same.
func (h Hashes) Same() bool {
	return len(h.Groups()) == 1 && !slices.ContainsFunc(h.Members, func(m Hash) bool { return m.Err != nil })
}

// comparable tells whether all that told were compacted to the same revision.
func (h Hashes) comparable() bool {
	told := slices.DeleteFunc(slices.Clone(h.Members), func(m Hash) bool { return m.Err != nil })
	return !slices.ContainsFunc(told, func(m Hash) bool { return m.CompactRevision != told[0].CompactRevision })
}

// Hash compares the members' data, all of it: members of one cluster can serve,
// be in step and hold different data, which no other question shows. Each
// member reads its whole key space for it. A learner does not tell.
//
// An error is that nobody serves; what kept a single member from telling is in
// its Hash. A compaction that comes in between is waited out.
func (c *Client) Hash(ctx context.Context) (Hashes, error) {
	for {
		who, err := c.servant(ctx, 0)
		if err != nil {
			return Hashes{}, fmt.Errorf("cannot compare the members' data: %w", err)
		}
		h := c.hashAt(ctx, who.said.Revision)
		if h.comparable() && !h.compacted() {
			return h, ctx.Err()
		}
		if err := rest(ctx); err != nil {
			return Hashes{}, err
		}
	}
}

// compacted tells whether a member could not tell because the revision was
// compacted meanwhile.
func (h Hashes) compacted() bool {
	return slices.ContainsFunc(h.Members, func(m Hash) bool { return errors.Is(m.Err, rpctypes.ErrCompacted) })
}

func (c *Client) hashAt(ctx context.Context, revision int64) Hashes {
	names := c.names()
	h := Hashes{Revision: revision, Members: make([]Hash, len(names))}
	each(names, func(i int, name string) { h.Members[i] = c.hashOf(ctx, name, revision) })
	return h
}

// hashOf waits for a member that has not come to a revision yet.
func (c *Client) hashOf(ctx context.Context, name string, revision int64) Hash {
	said, err := c.ask(ctx, name)
	if err != nil {
		return Hash{Name: name, Err: err}
	}
	to, err := c.to(name)
	if err != nil {
		return Hash{Name: name, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Patience.Progress+timeFor(said.DBInUse))
	defer cancel()
	for {
		h, err := to.maintenance.HashKV(ctx, to.url, revision)
		if err == nil {
			return Hash{Name: name, Hash: h.Hash, CompactRevision: h.CompactRevision}
		}
		if !errors.Is(err, rpctypes.ErrFutureRev) || rest(ctx) != nil {
			return Hash{Name: name, Err: meaning(err)}
		}
	}
}

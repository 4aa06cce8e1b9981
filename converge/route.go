package converge

import (
	"slices"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// Route gives the releases by which members get from what they run to another
// release, one minor at a time, or by a patch of their own first (see
// cluster.UpgradePath); the last is that release. Where members have to be mended
// or added before the others can be rolled, the release that runs comes first.
// Verbs that change no description leave the release as it is. Its error is a
// Refusal.
func Route(s Situation, to cluster.Version) ([]cluster.Version, error) {
	c := look(s)
	from, newest, ok := c.releases()
	now, known := c.runs()
	switch {
	case !ok, s.Asked.Verb.leaves() && !known:
		return []cluster.Version{to}, nil
	case s.Asked.Verb != Up && known:
		return []cluster.Version{now}, nil
	case newest.Minor > to.Minor:
		from = newest
	}
	path, err := cluster.UpgradePath(from, to)
	if err != nil {
		return nil, &Refusal{Reason: err.Error(), Remedy: Remedy{Command: []string{"ps"}, Text: "shows what runs"}}
	}
	if len(path) == 0 {
		path = []cluster.Version{to}
	}
	if known && now.Minor != to.Minor && c.frail() {
		path = append([]cluster.Version{now}, path...)
	}
	return path, nil
}

// allFail tells whether members run nothing that could be gone on from: all that have
// data end, whatever starts them.
func (c *scene) allFail() bool {
	holders := c.those((*part).isWanted, (*part).holds)
	return !c.quorum && len(holders) > 0 && !slices.ContainsFunc(holders, not((*part).fails))
}

// fails: it ends again and again, or has ended and is not started again.
func (p *part) fails() bool {
	return p.server.Status == runtime.Restarting || p.server.Status == runtime.Failed ||
		p.runs() && p.server.Restarts >= fewRestarts && !p.end.Answers()
}

// leadsNowhere tells whether members fail that would be started as they are. Another
// release may be what they need, such as the one that wrote their data: it is not
// put off until they serve.
func (s Situation) leadsNowhere() bool {
	c := look(s)
	return c.allFail() && len(c.those((*part).isWanted, (*part).holds, (*part).differs)) == 0
}

// frail tells whether the members can't be rolled as they are: one does not
// serve, or they are so few that the quorum goes with any of them while more are
// wanted.
func (c *scene) frail() bool {
	if len(c.those((*part).isWanted, func(p *part) bool { return c.ended(p.name) })) > 0 {
		return false // this run is about to roll them
	}
	unwell := c.those((*part).isWanted, not((*part).serves), func(p *part) bool { return p.counted || p.holds() })
	missing := c.those((*part).isWanted, not((*part).isCounted))
	return len(unwell) > 0 || c.quorum && c.voters() < 3 && len(missing) > 0
}

// runs is the release that members run which serve: the one that they have agreed on,
// or the oldest, where none of them runs that any more and one that does not serve
// keeps them from agreeing on theirs. While none serves, it is what all have.
func (c *scene) runs() (cluster.Version, bool) {
	agreed, known := c.clusterMinor()
	if !known {
		oldest, newest, ok := c.releases()
		return oldest, ok && oldest.Minor == newest.Minor
	}
	now := cluster.KnownPatches[agreed]
	if oldest, ok := c.oldestServing(agreed); ok {
		now = oldest
	}
	return now, now != cluster.Version{}
}

// oldestServing is the oldest release of members that serve, of those that are of the
// minor that they have agreed on if there are any. One that a new member could not join
// with does not count: lower than they have agreed on.
func (c *scene) oldestServing(agreed int) (oldest cluster.Version, ok bool) {
	joins := len(c.those((*part).isWanted, not((*part).holds), not((*part).serves))) > 0
	for _, p := range c.those((*part).isVoter, (*part).serves) {
		v, known := p.release()
		switch {
		case !known, joins && v.Minor < agreed:
		case v.Minor == agreed:
			return v, true
		case !ok || v.Compare(oldest) < 0:
			oldest, ok = v, true
		}
	}
	return oldest, ok
}

// releases are the oldest and the newest that members run, or ran.
func (c *scene) releases() (oldest, newest cluster.Version, ok bool) {
	for _, p := range c.all {
		v, known := p.release()
		if !known || !p.holds() {
			continue
		}
		if !ok || v.Compare(oldest) < 0 {
			oldest = v
		}
		if !ok || v.Compare(newest) > 0 {
			newest = v
		}
		ok = true
	}
	return oldest, newest, ok
}

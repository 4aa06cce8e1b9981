package converge

import "github.com/etcdctr/etcdctr/cluster"

// Route gives the releases by which members get from what they run to another
// release, one minor at a time; the last is that release. Where members have to
// be mended or added before the others can be rolled, the release that runs comes
// first. Verbs that change no description leave the release as it is.
func Route(s Situation, to cluster.Version) []cluster.Version {
	c := look(s)
	from, newest, ok := c.releases()
	if !ok {
		return []cluster.Version{to}
	}
	now, known := c.runs()
	if s.Asked.Verb != Up {
		if known {
			to = now
		}
		return []cluster.Version{to}
	}
	var route []cluster.Version
	if known && now.Minor != to.Minor && c.frail() {
		route = append(route, now)
	}
	if newest.Minor > to.Minor {
		for minor := newest.Minor - 1; minor > to.Minor; minor-- {
			route = append(route, cluster.KnownPatches[minor])
		}
		return append(route, to)
	}
	if least, known := leastPatch[from.Minor]; known && to.Minor > from.Minor && from.Patch < least {
		route = append(route, cluster.KnownPatches[from.Minor])
	}
	for minor := from.Minor + 1; minor < to.Minor; minor++ {
		route = append(route, cluster.KnownPatches[minor])
	}
	return append(route, to)
}

// leastPatch is the first patch of a minor that the next one follows on, by
// etcd's documentation of upgrades.
var leastPatch = map[int]int{5: 32, 6: 11}

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

// runs is the release that the members have agreed on: that of the oldest that
// serves, or of all that are there while none does.
func (c *scene) runs() (cluster.Version, bool) {
	agreed, known := c.clusterMinor()
	if !known {
		oldest, newest, ok := c.releases()
		return oldest, ok && oldest.Minor == newest.Minor
	}
	for _, p := range c.those((*part).isVoter, (*part).serves) {
		if v, ok := p.release(); ok && v.Minor == agreed {
			return v, true
		}
	}
	return cluster.KnownPatches[agreed], cluster.KnownPatches[agreed] != cluster.Version{}
}

// releases are the oldest and the newest that members run, or ran.
func (c *scene) releases() (oldest, newest cluster.Version, ok bool) {
	for _, p := range c.all {
		v, known := p.release()
		if !known || !p.holds() {
			continue
		}
		if !ok || older(v, oldest) {
			oldest = v
		}
		if !ok || older(newest, v) {
			newest = v
		}
		ok = true
	}
	return oldest, newest, ok
}

func older(a, b cluster.Version) bool {
	return a.Minor < b.Minor || a.Minor == b.Minor && a.Patch < b.Patch
}

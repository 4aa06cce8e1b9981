package etcdctr

import (
	"slices"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file tells whether the members of a cluster that lost its quorum may have it again by
// themselves.

// electorate are the members whose votes count, by what they were told when they were started.
// Who is not described any more, and of whom nothing but data is left, was taken out since: the
// others are not told of that.
func electorate(want *cluster.Cluster, have *runtime.State) []string {
	return slices.DeleteFunc(slices.Clone(have.Electorate()), func(name string) bool {
		described := slices.ContainsFunc(want.Members, func(m cluster.Member) bool { return m.Name == name })
		s, there := have.Server(name)
		return !described && (!there || s.Status == runtime.Absent)
	})
}

// mostHold tells whether most of the members are among those that have data.
func mostHold(members, holders []string) bool {
	without := slices.DeleteFunc(slices.Clone(members), func(name string) bool { return slices.Contains(holders, name) })
	return len(without) < (len(members)+1)/2
}

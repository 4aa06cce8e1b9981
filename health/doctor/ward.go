package doctor

import (
	"slices"

	"github.com/etcdctr/etcdctr/health"
)

// ward is the cluster as a whole: what one member may be given depends on it.
type ward struct {
	Evidence
	// home is the cluster that is meant, hexadecimal; empty if nobody says.
	home string
	// quorum says that the members of home serve, and split that some serve and
	// others are seen in another cluster, none of which has most of them.
	quorum, split bool
	// faults are what the members' logs say of their data and their place.
	faults map[string]fault
}

func (e Evidence) ward() ward {
	w := ward{Evidence: e, faults: map[string]fault{}}
	for _, m := range e.Members {
		if m.Serves || m.Waits {
			continue
		}
		for _, c := range e.fromLog(m) {
			if c.fault != ownFault {
				w.faults[m.Name] = c.fault
			}
		}
	}
	w.findHome()
	if w.quorum && w.KnownBy != w.home {
		w.Known = nil // of another cluster
	}
	return w
}

// findHome looks which cluster is meant: the one that most members serve in, or
// the only one that anybody who has data can be of.
func (w *ward) findHome() {
	serving := map[string]int{}
	for _, m := range w.Members {
		if m.Serves {
			serving[m.cluster()]++
		}
	}
	for id, n := range serving {
		if n > len(w.Members)/2 || len(serving) == 1 && !w.othersThan(id) {
			w.home, w.quorum = id, true
		}
	}
	w.split = len(serving) > 0 && !w.quorum
}

// othersThan reports whether somebody has data that may be of another cluster.
func (w *ward) othersThan(id string) bool {
	return slices.ContainsFunc(w.Members, func(m Member) bool {
		if w.empty(m) || m.Waits || m.cluster() == id {
			return false
		}
		_, known := w.known(m)
		return m.cluster() != "" || w.KnownBy != id || w.Known != nil && !known
	})
}

// cluster is the cluster that a member is in, as it says or as its log does;
// empty if neither tells.
func (m Member) cluster() string {
	if m.ClusterID != "" {
		return m.ClusterID
	}
	for _, line := range slices.Backward(m.Log) {
		if id := readEntry(line).clusterID; id != "" {
			return id
		}
	}
	return ""
}

// voters is how many members have a vote, as etcd has it, or the description.
func (w ward) voters() int {
	if w.Known == nil {
		return len(w.Members)
	}
	n := 0
	for _, k := range w.Known {
		if !k.Learner {
			n++
		}
	}
	return n
}

// votes reports whether a member's vote counts in home, as far as is known.
func (w ward) votes(m Member) bool {
	k, ok := w.known(m)
	return !m.Learner && (w.Known == nil || ok && !k.Learner)
}

// uncounted reports whether a quorum tells who the members are, and that one is none.
func (w ward) uncounted(m Member) bool {
	_, known := w.known(m)
	return w.quorum && w.Known != nil && !known
}

// serving is how many voters of home serve.
func (w ward) serving() int {
	n := 0
	for _, m := range w.Members {
		if m.Serves && w.votes(m) && m.cluster() == w.home {
			n++
		}
	}
	return n
}

// majority of so many voters.
func majority(voters int) int { return voters/2 + 1 }

// spares reports whether home keeps its quorum, and all of its data, without
// a member.
func (w ward) spares(m Member) bool {
	rest := w.serving()
	if m.Serves && m.cluster() == w.home && w.votes(m) {
		rest--
	}
	return w.quorum && rest >= majority(w.voters()-1) && rest > 0
}

// replaceable reports whether what a member has may be given up: the others
// have all of it.
func (w ward) replaceable(m Member) bool {
	if !w.spares(m) {
		return false
	}
	if w.empty(m) {
		return true
	}
	return m.cluster() != "" && m.cluster() == w.home
}

// elder reports whether a member that is not in home is in the cluster that has served
// before, or has come further than those who serve: these may have been founded since.
func (w ward) elder(m Member) bool {
	return w.Served != "" && w.Served != w.home && m.cluster() == w.Served || m.Space.Revision > w.revision()
}

// revision is the newest that members of home know.
func (w ward) revision() int64 {
	var newest int64
	for _, m := range w.Members {
		if m.cluster() == w.home {
			newest = max(newest, m.Space.Revision)
		}
	}
	return newest
}

// holds reports whether a member may have the cluster's data, fit to go on with,
// and a vote.
func (w ward) holds(m Member) bool { return m.Serves || w.survives(m) && w.votes(m) }

// survives reports whether a member may have the cluster's data, fit to go on
// with.
func (w ward) survives(m Member) bool {
	switch w.faults[m.Name] {
	case damagedData, removed, estranged:
		return false
	}
	return !w.empty(m)
}

// runs reports whether a member's process lives, or is started again and again.
func (m Member) runs() bool {
	return m.Serves || m.Status == Running || m.Status == Restarting
}

// holders are the members that may have the cluster's data.
func (w ward) holders() []Member {
	return slices.DeleteFunc(slices.Clone(w.Members), func(m Member) bool { return !w.holds(m) })
}

// idle are the holders that do not run, and could.
func (w ward) idle() []Member {
	return slices.DeleteFunc(w.holders(), func(m Member) bool { return m.runs() || m.Status == Away })
}

// away are the members whose machines do not answer, and that do not serve.
func (w ward) away() []Member {
	return slices.DeleteFunc(slices.Clone(w.Members), func(m Member) bool { return m.Serves || m.Status != Away })
}

// hidden reports whether nobody has data but, maybe, members whose machines do not
// answer.
func (w ward) hidden() bool {
	away := w.away()
	return len(away) > 0 && !slices.ContainsFunc(w.Members, func(m Member) bool {
		return m.Serves || m.Status != Away && !w.empty(m)
	})
}

// returns reports whether the holders of the data can have a quorum again.
func (w ward) returns() bool { return len(w.holders()) >= majority(w.voters()) }

// gone reports whether nobody has any data.
func (w ward) gone() bool {
	return !slices.ContainsFunc(w.Members, func(m Member) bool { return m.Serves || !w.empty(m) })
}

// exposed reports whether starting all members could put an empty cluster in
// the place of the data: those without any would be enough to elect each other.
func (w ward) exposed() bool {
	return !w.quorum && !w.returns() && !w.gone() && w.anyEmpty()
}

// anyEmpty reports whether some member has no data.
func (w ward) anyEmpty() bool {
	return slices.ContainsFunc(w.Members, w.empty)
}

// empty reports whether a member has no data: only then does etcd look for a
// discovery token, or at who the members are.
func (w ward) empty(m Member) bool {
	switch w.faults[m.Name] {
	case lostData, tokenUnknown, tokenFull, notAdded:
		return true
	}
	return m.Data == DataLost
}

// fuller is what the database takes of the member with the least room.
func (w ward) fuller() Space {
	var most Space
	for _, m := range w.Members {
		if s := m.Space; s.share() > most.share() || most == (Space{}) {
			most = s
		}
	}
	return most
}

func (s Space) share() float64 {
	if s.Quota == 0 {
		return 0
	}
	return float64(s.Size) / float64(s.Quota)
}

// full reports whether so much of the file holds data that defragmenting it would
// not make it fit.
func (s Space) full() bool { return float64(s.InUse) > 0.9*float64(s.Size) }

// tight reports whether so many bytes are too many.
func (s Space) tight(bytes int64) bool { return health.Tight(bytes, s.Quota) }

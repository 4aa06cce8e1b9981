package member

import (
	"cmp"
	"maps"
	"slices"
)

// Endpoint gives what was seen at the endpoint of this name; its zero value,
// which neither answers nor serves, if nobody was asked.
func (v View) Endpoint(name string) Endpoint {
	for _, e := range v.Endpoints {
		if e.Name == name {
			return e
		}
	}
	return Endpoint{Name: name}
}

// Member gives the member of this name as etcd counts it. One that has not
// started has no name yet: the endpoint that answers with its ID lends it its
// own.
func (v View) Member(name string) (Member, bool) {
	for _, m := range v.Members {
		if m.Name == name {
			return m, true
		}
	}
	if e := v.Endpoint(name); e.Answers() {
		return v.ByID(e.ID)
	}
	return Member{}, false
}

// ByID gives the member with this ID.
func (v View) ByID(id ID) (Member, bool) {
	i := slices.IndexFunc(v.Members, func(m Member) bool { return m.ID == id })
	if i < 0 {
		return Member{}, false
	}
	return v.Members[i], true
}

// ByPeerURL gives the member that others reach by this URL, which is what tells
// one that has not started from another.
func (v View) ByPeerURL(url string) (Member, bool) {
	i := slices.IndexFunc(v.Members, func(m Member) bool { return slices.Contains(m.PeerURLs, url) })
	if i < 0 {
		return Member{}, false
	}
	return v.Members[i], true
}

// IsMember tells whether what answered at an endpoint is the member of its name, as
// far as anybody tells who the members are: a learner alone does not. A proxy in its
// place is none, nor is who holds another cluster's data.
func (v View) IsMember(e Endpoint) bool {
	m, counted := v.Member(e.Name)
	return len(v.Members) == 0 || counted && m.ID == e.ID
}

// endpointOf is the endpoint that answered as this member, else the one of its
// name.
func (v View) endpointOf(m Member) Endpoint {
	for _, e := range v.Endpoints {
		if e.Answers() && e.ID == m.ID {
			return e
		}
	}
	if e := v.Endpoint(m.Name); m.Started() && !e.Answers() {
		return e
	}
	return Endpoint{Name: m.Name}
}

// Cluster is the ID that all who answer share; zero if nobody answers or they
// are not one cluster.
func (v View) Cluster() ID {
	if c := v.Clusters(); len(c) == 1 {
		for id := range c {
			return id
		}
	}
	return 0
}

// Newest is the newest revision that a member knows.
func (v View) Newest() int64 {
	var newest int64
	for _, e := range v.Endpoints {
		newest = max(newest, e.Revision)
	}
	return newest
}

// Clusters are the names of the endpoints that answer, by the cluster that they
// are in.
func (v View) Clusters() map[ID][]string {
	clusters := map[ID][]string{}
	for _, e := range v.Endpoints {
		if e.Answers() {
			clusters[e.Cluster] = append(clusters[e.Cluster], e.Name)
		}
	}
	return clusters
}

// Leader gives the one that all members that answer agree on. None while they
// disagree, or while one of them knows of none.
func (v View) Leader() (Member, bool) {
	var leader ID
	for _, e := range v.Endpoints {
		_, counts := v.ByID(e.ID)
		switch {
		case !counts || !e.Answers():
		case e.Leader == 0, leader != 0 && leader != e.Leader:
			return Member{}, false
		default:
			leader = e.Leader
		}
	}
	if leader == 0 {
		return Member{}, false
	}
	return v.ByID(leader)
}

// Elected gives the member that says it leads. Of several, as after the network was
// parted, it is the one that was elected last.
func (v View) Elected() (Endpoint, bool) {
	var last Endpoint
	for _, e := range v.Endpoints {
		if e.Answers() && e.Leader == e.ID && e.Term > last.Term {
			last = e
		}
	}
	return last, last.ID != 0
}

// Voters are the members that have a vote.
func (v View) Voters() []Member {
	return slices.DeleteFunc(slices.Clone(v.Members), func(m Member) bool { return m.Learner })
}

// Learners are the members that have no vote yet.
func (v View) Learners() []Member {
	return slices.DeleteFunc(slices.Clone(v.Members), func(m Member) bool { return !m.Learner })
}

// Quorum tells whether the cluster has one: somebody answered a linearizable
// read. As long as members of several clusters answer, none counts.
func (v View) Quorum() bool {
	return v.Cluster() != 0 && slices.ContainsFunc(v.Endpoints, Endpoint.Serves)
}

// Serving tells whether clients can use the member of this name.
func (v View) Serving(name string) bool { return v.Endpoint(name).Serves() }

// front is the raft index that a member has to have carried out to be in step:
// what its leader had committed when it was asked, else the highest that any
// member knew of.
func (v View) front() uint64 {
	if leader, ok := v.Leader(); ok {
		if e := v.endpointOf(leader); e.Answers() {
			return e.Index
		}
	}
	var front uint64
	for _, e := range v.Endpoints {
		front = max(front, e.Index)
	}
	return front
}

// Behind gives how many raft entries the member of this name has still to carry
// out of those that its leader had committed. It is not known of one that does
// not answer.
func (v View) Behind(name string) (entries uint64, known bool) {
	e := v.Endpoint(name)
	if !e.Answers() {
		return 0, false
	}
	front := v.front()
	return front - min(front, e.Applied), true
}

// CanLose tells whether the cluster keeps its quorum while the member of this
// name is stopped.
func (v View) CanLose(name string) bool {
	voters := v.Voters()
	return v.Quorum() && v.servingVotersBut(name) > len(voters)/2
}

// CanRemove tells whether the cluster keeps its quorum once the member of this
// name is none any more. The quorum of the fewer members may be smaller.
func (v View) CanRemove(name string) bool {
	voters := len(v.Voters())
	if m, ok := v.Member(name); ok && !m.Learner {
		voters--
	}
	return v.Quorum() && voters > 0 && v.servingVotersBut(name) > voters/2
}

func (v View) servingVotersBut(name string) int {
	without, _ := v.Member(name)
	n := 0
	for _, m := range v.Voters() {
		if e := v.endpointOf(m); m.ID != without.ID && e.Name != name && e.Serves() {
			n++
		}
	}
	return n
}

// Alarms are all that any member knows of, by member and kind.
func (v View) Alarms() []Alarm {
	known := map[Alarm]bool{}
	for _, e := range v.Endpoints {
		for _, a := range e.Alarms {
			known[a] = true
		}
	}
	return slices.SortedFunc(maps.Keys(known), func(a, b Alarm) int {
		return cmp.Or(cmp.Compare(a.Member, b.Member), cmp.Compare(a.Kind, b.Kind))
	})
}

// NameOf gives a member's name, or its ID where nobody knows the name.
func (v View) NameOf(id ID) string {
	if m, ok := v.ByID(id); ok {
		return m.String()
	}
	return id.String()
}

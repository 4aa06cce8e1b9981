package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// This file is a cluster that is only a model: what is true of its members, what
// a doctor gets to see of that, and what following advice does to it.

// running is what a modelled member is doing.
type running int

const (
	up     running = iota
	down           // stopped in order
	absent         // without a container
	crashing
	paused
	killed // a process, with its supervisor
	hangs
)

// content is what its data folder holds.
type content int

const (
	whole     content = iota // the cluster's data
	nothing                  //
	damaged                  // the cluster's data, unreadable
	old                      // the cluster's data, as it was when the member was taken out
	foreign                  // another cluster's
	otherwise                // not what the others have, under the same revisions
)

// place is what etcd's membership has of it.
type place int

const (
	voter place = iota
	learner
	addedVoter   // added, and never started
	addedLearner // likewise, without a vote
	nobody
)

// room is what is up with its database's size.
type room int

const (
	enough    room = iota
	history        // full of what was overwritten
	freed          // compacted, and not defragmented
	alarmOnly      // the quota was raised, and the alarm is left
	live           // full of what is in use
	compacted      // likewise, and nothing to compact any more
)

// body is a member as it really is.
type body struct {
	run   running
	data  content
	place place
	room  room
	line  string // what its log says
	cure  Kind   // what takes the cause of that away; empty: nothing that a command does
	own   bool   // it serves, in a cluster of its own
	self  bool   // its certificates are of its own making
	slow  bool
	deaf  bool // it answers no reads, for its disk
}

// model is a cluster.
type model struct {
	bodies []body
	// extra is a voter whom the description does not have: 0 for none, 1 for one
	// that is well, 2 for one that is dead.
	extra int
}

func (s model) String() string {
	var parts []string
	for i, b := range s.bodies {
		parts = append(parts, fmt.Sprintf("%s %+v", memberName(i), b))
	}
	return fmt.Sprintf("extra %d\n\t%s", s.extra, strings.Join(parts, "\n\t"))
}

func memberName(i int) string { return fmt.Sprintf("etcd%d", i+1) }

// key is a model as a key of a map.
type key struct {
	bodies         [6]body
	members, extra int
}

func (s model) key() key {
	k := key{members: len(s.bodies), extra: s.extra}
	if copy(k.bodies[:], s.bodies) < len(s.bodies) {
		panic("a key has no room for all members")
	}
	return k
}

func (s model) clone() model { return model{slices.Clone(s.bodies), s.extra} }

// votes reports whether a body counts among the voters.
func (b body) votes() bool { return b.place == voter || b.place == addedVoter }

func (s model) voters() int {
	n := 0
	for _, b := range s.bodies {
		if b.votes() {
			n++
		}
	}
	return n + min(s.extra, 1)
}

// can reports whether a body takes its part in the cluster as it is now.
func (b body) can() bool {
	return b.run == up && (b.data == whole || b.data == otherwise) && b.place == voter && !b.own && b.line == ""
}

func (s model) quorum() bool {
	n := 0
	for _, b := range s.bodies {
		if b.can() {
			n++
		}
	}
	if s.extra == 1 {
		n++
	}
	return n >= majority(s.voters())
}

// returns reports whether a quorum can be had by starting what has the data, or
// by putting right what keeps it from starting.
func (s model) returns() bool {
	n := 0
	for _, b := range s.bodies {
		if b.place == voter && b.data == whole && !b.own {
			n++
		}
	}
	if s.extra == 1 {
		n++
	}
	return n >= majority(s.voters())
}

// survivors reports whether anybody has something of the cluster's data.
func (s model) survivors() bool {
	return s.extra == 1 || slices.ContainsFunc(s.bodies, func(b body) bool {
		return b.data == whole || b.data == damaged || b.data == old || b.data == otherwise
	})
}

func (s model) healthy() bool {
	if s.extra != 0 || !s.quorum() {
		return false
	}
	for _, b := range s.bodies {
		if b != (body{slow: b.slow}) {
			return false
		}
	}
	return true
}

const (
	homeID    = "c1"
	foreignID = "c2"
)

// evidence is what a doctor sees.
func (s model) evidence() Evidence {
	absent := func(b body) bool { return b.run == absent }
	e := Evidence{Described: true, AsDescribed: s.extra == 0 && !slices.ContainsFunc(s.bodies, absent), Now: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)}
	teller := -1 // who serves before who only answers
	for i, b := range s.bodies {
		m := s.seen(i, b)
		tells := m.Answers && b.place != learner // etcd lets no learner tell
		if tells && (teller < 0 || m.Serves && !e.Members[teller].Serves) {
			teller = i
		}
		e.Members = append(e.Members, m)
	}
	if teller < 0 {
		return e
	}
	e.KnownBy = e.Members[teller].ClusterID
	for i, b := range s.bodies {
		if b.own && i == teller {
			e.Known = []Known{{ID: "f1", Name: memberName(i), PeerURLs: []string{peerURL(i)}}}
			return e
		}
		if b.place == nobody {
			continue
		}
		k := Known{ID: fmt.Sprintf("a%d", i+1), Name: memberName(i), PeerURLs: []string{peerURL(i)}}
		k.Learner = b.place == learner || b.place == addedLearner
		if b.place == addedLearner || b.place == addedVoter {
			k.Name = ""
		}
		e.Known = append(e.Known, k)
	}
	if s.extra > 0 {
		e.Known = append(e.Known, Known{ID: "ee", Name: "extra", PeerURLs: []string{"http://extra:2380"}})
	}
	return e
}

func peerURL(i int) string { return "http://" + memberName(i) + ":2380" }

// seen is what a doctor sees of one member.
func (s model) seen(i int, b body) Member {
	status := map[running]Status{
		up: Running, down: Exited, absent: Missing, crashing: Restarting, paused: Paused, killed: Failed, hangs: Running,
	}
	m := Member{Name: memberName(i), PeerURL: peerURL(i), Status: status[b.run], Data: DataKept, AutoTLS: b.self}
	switch {
	case b.data == nothing && b.run == crashing:
		m.Data = DataUnknown // it makes its folder again each time
	case b.data == nothing:
		m.Data = DataLost
	case b.run == absent:
		m.Data = DataUnknown
	}
	if b.own {
		m.Answers, m.Serves, m.ClusterID = true, true, fmt.Sprintf("%s%d", foreignID, i)
	}
	if b.run == up && !b.own && b.line == "" && (b.data == whole || b.data == otherwise) && (b.place == voter || b.place == learner) {
		m.Answers, m.ClusterID = true, homeID
		m.Learner = b.place == learner
		m.Serves = s.quorum() && b.place == voter && !b.deaf
	}
	if m.Answers && b.room != enough {
		m.Alarms, m.Space = []string{"NOSPACE"}, spaces[b.room]
	}
	if m.Answers {
		m.Hash = "as most have"
	}
	if m.Answers && b.data == otherwise {
		m.Hash = "as only " + m.Name + " has"
		m.Alarms = append(m.Alarms, "CORRUPT")
	}
	if b.run == hangs {
		m.Log = append(m.Log, `{"level":"info","ts":"2030-01-01T11:58:00.000000Z","msg":"Running: "}`)
	}
	if b.data == old {
		m.Log = append(m.Log, `{"level":"info","msg":"restarting local member","cluster-id":"`+homeID+`"}`)
	}
	if b.slow && b.run == up {
		for second := range manyPauses {
			m.Log = append(m.Log, fmt.Sprintf(`{"level":"warn","ts":"2030-01-01T11:59:5%d.000000Z","msg":"slow fdatasync"}`, second))
		}
	}
	if b.line != "" && b.run != absent {
		m.Log = append(m.Log, b.line)
	}
	return m
}

var spaces = map[room]Space{
	history:   {Size: 100, InUse: 95, Quota: 100, Revision: 7},
	freed:     {Size: 100, InUse: 10, Quota: 100, Revision: 7, Compacted: true},
	alarmOnly: {Size: 100, InUse: 90, Quota: 400, Revision: 7},
	live:      {Size: 100, InUse: 95, Quota: 100, Revision: 7},
	compacted: {Size: 100, InUse: 95, Quota: 100, Revision: 7, Compacted: true},
}

package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// This file is what following advice does to a modelled cluster.

// deleteAll is the hint that there must never be; here for hints that are wrong
// on purpose.
const deleteAll Kind = "down --volumes && up"

// Errors of advice.
var (
	errLosesQuorum = errors.New("the quorum is lost")
	errLosesData   = errors.New("data is lost that nobody else has")
	errLoops       = errors.New("the same advice in the same state")
	errUseless     = errors.New("a cure that is there is not named")
	errTooSoon     = errors.New("the cluster is given up although its quorum can return")
)

// apply follows advice.
func (s model) apply(r Remedy) (model, error) {
	n := s.clone()
	var err error
	switch r.Kind {
	case Up, UpTLS, UpRelease, CreateCerts, ReloadCerts, RenewCerts, NewToken, LetPass, Restart:
		n.fix(r)
		if r.starts() {
			err = n.start(func(int) bool { return true })
		}
	case Start:
		names := strings.Fields(r.Member)
		err = n.start(func(i int) bool {
			return len(names) == 0 || slices.Contains(names, memberName(i)) && n.bodies[i].run != absent
		})
	case Replace:
		err = n.replace(r.Member)
	case Add, Join, Promote:
		n.admit(r)
	case Remove:
		n.remove(r)
	case MakeRoom, Disarm:
		if r.Kind == Disarm || s.allServe() { // else it is refused, and nothing changes
			n.makeRoom(r.Kind)
		}
	case Recover:
		err = n.recover(r.Member)
	case Restore:
		if s.quorum() && !slices.ContainsFunc(s.bodies, func(b body) bool { return b.data == otherwise }) || !s.quorum() && s.returns() {
			err = errTooSoon
		}
	case deleteAll:
		if s.survivors() {
			err = errLosesData
		}
		n = model{make([]body, len(s.bodies)), 0}
	}
	if err == nil && s.quorum() && !n.quorum() {
		err = errLosesQuorum
	}
	return n, err
}

// fix takes away the causes that the remedy takes away, with what its cause says
// to do by hand.
func (s model) fix(r Remedy) {
	for i := range s.bodies {
		b := &s.bodies[i]
		concerns := r.Kind != Restart || memberName(i) == r.Member
		if b.cure == r.Kind && b.line != "" && concerns {
			b.line, b.cure, b.run = "", "", up
		}
		if r.Kind == Restart && concerns && b.run == hangs {
			b.run = up
		}
	}
}

// start starts members on what they have.
func (s model) start(which func(int) bool) error {
	full, empty := min(s.extra, 1)*(2-max(s.extra, 1)), 0
	for i := range s.bodies {
		b := &s.bodies[i]
		if which(i) && (b.run == down || b.run == absent || b.run == paused || b.run == killed) && b.line == "" &&
			b.place != addedVoter && b.place != addedLearner {
			b.run = up
		}
		runs := b.run == up || b.run == crashing && which(i)
		switch {
		case runs && b.data == whole && b.votes() && !b.own:
			full++
		case runs && b.data == nothing && b.votes():
			empty++
		}
	}
	refounded := full < majority(s.voters()) && empty >= majority(s.voters()) || empty > 0 && !s.survivors()
	if refounded && s.survivors() {
		return fmt.Errorf("an empty cluster in its place: %w", errLosesData)
	}
	for i := range s.bodies {
		b := &s.bodies[i]
		if b.data != nothing || b.run != up && b.run != crashing {
			continue
		}
		switch {
		case refounded:
			*b = body{}
		case b.place == nobody:
			b.run, b.line = crashing, unequal
		case b.run == up:
			b.run, b.line = crashing, bootstrapped
		}
	}
	if refounded {
		s.joinAll()
	}
	return nil
}

// joinAll has those without a place join a cluster that begins anew.
func (s model) joinAll() {
	for i := range s.bodies {
		if b := &s.bodies[i]; b.data == nothing {
			*b = body{}
		}
	}
}

func (s model) index(name string) int {
	for i := range s.bodies {
		if memberName(i) == name {
			return i
		}
	}
	return -1
}

// replace gives up what a member has.
func (s model) replace(name string) error {
	i := s.index(name)
	b := s.bodies[i]
	if b.data == foreign {
		return fmt.Errorf("another cluster's: %w", errLosesData)
	}
	s.bodies[i] = body{run: absent, data: nothing, place: nobody}
	if !s.quorum() {
		if b.data != nothing {
			return fmt.Errorf("%s without a quorum of the others: %w", name, errLosesData)
		}
		return nil // etcd refuses
	}
	s.bodies[i] = body{}
	return nil
}

// admit is what etcd does for those who have no place yet, or no vote.
func (s model) admit(r Remedy) {
	i := s.index(r.Member)
	if i < 0 || !s.quorum() {
		return
	}
	b := &s.bodies[i]
	switch {
	case r.Kind == Add && b.place == nobody && s.allServe():
		b.place = addedLearner
		if b.run != absent {
			b.run = down
		}
		b.line, b.cure = "", ""
	case r.Kind == Join && (b.place == addedLearner || b.place == addedVoter) && b.data == nothing:
		vote := learner
		if b.place == addedVoter {
			vote = voter
		}
		*b = body{place: vote}
	case r.Kind == Promote && b.place == learner && b.run == up && b.data == whole:
		b.place = voter
	}
}

func (s model) allServe() bool {
	return s.extra != 2 && !slices.ContainsFunc(s.bodies, func(b body) bool { return b.votes() && !b.can() })
}

func (s *model) remove(r Remedy) {
	if !s.quorum() {
		return
	}
	if r.Value == "ee" {
		s.extra = 0
		return
	}
	for i := range s.bodies {
		if r.Value == fmt.Sprintf("a%d", i+1) {
			s.bodies[i].place = nobody
			if s.bodies[i].data == whole {
				s.bodies[i].data = old
			}
		}
	}
}

func (s model) makeRoom(k Kind) {
	if !s.quorum() {
		return
	}
	after := map[room]map[Kind]room{
		history:   {MakeRoom: enough},
		freed:     {MakeRoom: enough},
		alarmOnly: {MakeRoom: enough, Disarm: enough},
		live:      {MakeRoom: compacted},
	}
	for i := range s.bodies {
		if to, ok := after[s.bodies[i].room][k]; ok {
			s.bodies[i].room = to
		}
	}
}

// worth ranks what a member has by what going on from it would lose; nothing is
// worth the most of that.
func (b body) worth() int {
	rank := slices.Index([]content{whole, otherwise, old}, b.data)
	if rank < 0 || b.own {
		return len([]content{whole, otherwise, old})
	}
	return rank
}

// recover goes on from the best of some survivors.
func (s model) recover(names string) error {
	for i, b := range s.bodies { // the newest of a majority has all that was confirmed
		if s.quorum() || s.returns() && b.place == voter && b.data == whole && !b.own && !slices.Contains(strings.Fields(names), memberName(i)) {
			return errTooSoon
		}
	}
	best := slices.MinFunc(s.bodies, func(a, b body) int { return a.worth() - b.worth() }).worth()
	if !slices.ContainsFunc(strings.Fields(names), func(name string) bool { return s.bodies[s.index(name)].worth() == best }) {
		return fmt.Errorf("%s have not the best of it: %w", names, errLosesData)
	}
	for i := range s.bodies {
		if s.bodies[i].data != foreign {
			s.bodies[i] = body{}
		}
	}
	return nil
}

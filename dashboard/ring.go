package dashboard

import (
	"math"
	"slices"
	"time"
)

// rings keep the last looks: when each was, and each member's lines.
type rings struct {
	size    int
	times   []int64 // milliseconds since 1970, oldest first
	members map[string]*track
}

// track is what is kept of a member, one value a look.
type track struct {
	state []State
	lines [][]float32 // by line; NaN where nothing is known
}

// State is what a member was at a moment.
type State int8

// What a member can be. Away is one that is there and does not answer.
const (
	Unseen State = iota
	Away
	Serves
	Leads
)

func newRings(size int) *rings { return &rings{size: size, members: map[string]*track{}} }

// look is what was seen of a member.
type look struct {
	state  State
	values []float64
}

// add adds a look at all members. One that is not in it was not seen.
func (r *rings) add(at time.Time, seen map[string]look) {
	for name := range seen {
		if r.members[name] == nil {
			r.members[name] = newTrack(len(r.times))
		}
	}
	r.times = append(r.times, at.UnixMilli())
	for name, t := range r.members {
		t.add(seen[name])
	}
	if drop := len(r.times) - r.size; drop > 0 {
		r.drop(drop)
	}
}

// drop forgets the oldest, and members of whom nothing is left.
func (r *rings) drop(n int) {
	r.times = slices.Delete(r.times, 0, n)
	for name, t := range r.members {
		t.state = slices.Delete(t.state, 0, n)
		for i := range t.lines {
			t.lines[i] = slices.Delete(t.lines[i], 0, n)
		}
		if !slices.ContainsFunc(t.state, func(s State) bool { return s != Unseen }) {
			delete(r.members, name)
		}
	}
}

// newTrack is of a member that is seen for the first time after so many looks.
func newTrack(missed int) *track {
	t := &track{state: make([]State, missed), lines: make([][]float32, len(lines))}
	for i := range t.lines {
		t.lines[i] = make([]float32, missed)
		for j := range t.lines[i] {
			t.lines[i][j] = float32(math.NaN())
		}
	}
	return t
}

func (t *track) add(l look) {
	t.state = append(t.state, l.state)
	for i := range t.lines {
		v := math.NaN()
		if i < len(l.values) {
			v = l.values[i]
		}
		t.lines[i] = append(t.lines[i], float32(v))
	}
}

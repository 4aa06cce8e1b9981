package converge

import (
	"time"

	"github.com/etcdctr/etcdctr/member"
)

// Event is something that happens in a run.
type Event struct {
	Kind EventKind
	At   time.Time
	// Step is what begins, moves or ends, as number of so many that are planned
	// by now. The plan may change on the way.
	Step       Step
	Number, Of int
	// Err is why a step that ended has failed.
	Err error
	// CatchUp is how far a learner has come.
	CatchUp member.CatchUp
	// Reads is how many bytes of data a member has to read before it serves, where it
	// is waited for because of that.
	Reads int64
	// Where is where data was set aside.
	Where string
}

// EventKind is a kind of event.
type EventKind string

// The kinds of events.
const (
	Waiting EventKind = "waiting" // somebody else changes the cluster
	Begins  EventKind = "begins"
	Moves   EventKind = "moves"
	Ends    EventKind = "ends"
	Undoes  EventKind = "undoes" // a first start that failed takes back what it has made
	Blind   EventKind = "blind"  // the members can't be asked, for Err, and all are stopped without
)

// Share is how much of a step is done, from 0 to 1, and false if that is not
// known.
func (e Event) Share() (float64, bool) {
	u := e.CatchUp
	switch {
	case e.Kind == Ends && e.Err == nil:
		return 1, true
	case u.Answers && u.Goal > 0:
		return min(1, float64(u.Applied)/float64(u.Goal)), true
	case u.LeaderDBSize > 0 && u.DBSize > 0:
		return min(1, float64(u.DBSize)/float64(u.LeaderDBSize)), true
	}
	return 0, false
}

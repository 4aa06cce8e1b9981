package process

import (
	"fmt"
	"time"
)

// Event is something that happened to a member, or to the stack when Member is
// empty.
type Event struct {
	Time   time.Time
	Member string
	Kind   Kind
	PID    int           // of the process that it is about
	Exit   string        // of Crashed, HasLeft and WasEmptied: how it ended, in words
	Delay  time.Duration // of Crashed: until it is started again
}

// Kind is what happened.
type Kind int

// What can happen.
const (
	Started    Kind = iota
	Ended           // as asked
	Crashed         // and will be started again
	HasLeft         // and will not: it ended by itself, in order
	WasEmptied      // and will not be started again: it ended, and its data is gone
	Recovered       // what an earlier supervisor left behind, when it was killed, was put in order
	Rescued         // an orphan of an earlier supervisor was ended
)

// String tells it in words, without the member's name.
func (e Event) String() string {
	switch e.Kind {
	case Started:
		return fmt.Sprintf("started as process %d", e.PID)
	case Ended:
		return "stopped"
	case Crashed:
		return fmt.Sprintf("process %d ended unexpectedly (%s): starting it again in %s",
			e.PID, e.Exit, e.Delay.Round(100*time.Millisecond))
	case HasLeft:
		return fmt.Sprintf("process %d ended by itself, as a member that was removed from its cluster does: leaving it stopped", e.PID)
	case WasEmptied:
		return fmt.Sprintf("process %d ended unexpectedly (%s), and its data is gone: leaving it stopped, as it must not start empty as the member that it was", e.PID, e.Exit)
	case Recovered:
		return "the last run ended without being stopped: carrying on with its data"
	default:
		return fmt.Sprintf("process %d was still running after its supervisor had been killed: ended it", e.PID)
	}
}

// Alarming tells whether somebody ought to look into it.
func (e Event) Alarming() bool { return e.Kind != Started && e.Kind != Ended }

func (e Event) level() string {
	if e.Alarming() {
		return "warn"
	}
	return "info"
}

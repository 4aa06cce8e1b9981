package process

import (
	"slices"
	"time"
)

// State is how a stack is.
type State struct {
	Name string `json:"name"`
	// Running tells whether a supervisor looks after the stack now.
	Running    bool          `json:"-"`
	Supervisor ID            `json:"supervisor"`
	Home       string        `json:"home,omitempty"` // where the stack runs
	Socket     string        `json:"socket"`         // where the supervisor takes orders
	Members    []MemberState `json:"members"`
	Services   []MemberState `json:"services,omitempty"`
}

// all gives the members and the services, to be changed.
func (s *State) all() []*MemberState {
	var all []*MemberState
	for _, list := range [][]MemberState{s.Members, s.Services} {
		for i := range list {
			all = append(all, &list[i])
		}
	}
	return all
}

// MemberState is how a member is.
type MemberState struct {
	Name   string    `json:"name"`
	Status Status    `json:"status"`
	Since  time.Time `json:"since"`
	// Began is when it was started last; zero while it never was.
	Began time.Time `json:"began,omitzero"`
	// Process is the member's process, while it runs.
	Process ID `json:"process"`
	// Restarts counts how often it was started again after a crash, since somebody asked
	// for a start.
	Restarts int `json:"restarts"`
	// LastExit is how it ended last, in words; empty while it never did.
	LastExit string `json:"lastExit,omitempty"`
}

// Status is what a member is doing.
type Status string

// What a member can be doing.
const (
	Running    Status = "running"
	Restarting Status = "restarting" // crashed, and waits to be started again
	Stopped    Status = "stopped"    // was asked to
	// Left is a member that ended by itself and in order, which is what etcd
	// does once it was removed from its cluster. It is not started again: on
	// its old data it could only end the same way.
	Left Status = "left"
	// Emptied is a member that ended, and whose data is gone since it was started. It
	// is not started again: whoever replaces it starts another one.
	Emptied Status = "emptied"
	// Lost is a member whose supervisor was killed, or the whole machine.
	Lost Status = "lost"
	// Orphaned is a member that still runs after its supervisor was killed.
	Orphaned Status = "orphaned"
)

// lost is the state as it is when its supervisor is there no more.
func (s State) lost() State {
	s.Members, s.Services, s.Running = slices.Clone(s.Members), slices.Clone(s.Services), false
	for _, m := range s.all() {
		switch {
		case m.Process.Alive():
			m.Status = Orphaned
		case m.Status == Running || m.Status == Restarting:
			m.Status, m.Process = Lost, ID{}
		}
	}
	return s
}

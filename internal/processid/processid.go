// Package processid tells a process of this machine from every other, also from one
// that has got its number after it.
package processid

import (
	"slices"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// ID tells a process from every other, also from one that has got its number
// after it, or after the machine was started again.
type ID struct {
	PID     int       `json:"pid,omitempty"`
	Started time.Time `json:"started,omitzero"`
}

// clockDrift is how far the start time of one process may differ from one look
// to the next: systems count it from when they started themselves, which moves
// when the clock is set.
const clockDrift = 2 * time.Second

// Of gives the identity of a process that runs now; the zero ID if it does not.
func Of(pid int) ID {
	p, err := process.NewProcess(int32(pid))
	if err != nil {
		return ID{}
	}
	ms, err := p.CreateTime()
	if err != nil {
		return ID{}
	}
	if status, err := p.Status(); err == nil && slices.Contains(status, process.Zombie) {
		return ID{} // has ended, and nobody has asked how yet
	}
	return ID{PID: pid, Started: time.UnixMilli(ms)}
}

// Alive tells whether the process still runs.
func (id ID) Alive() bool {
	if id.PID == 0 {
		return false
	}
	now := Of(id.PID)
	return now.PID != 0 && now.Started.Sub(id.Started).Abs() <= clockDrift
}

// Frozen tells whether the process was stopped by a signal, and goes on once it is sent
// another: it lives, and does nothing.
func (id ID) Frozen() bool {
	if !id.Alive() {
		return false
	}
	p, err := process.NewProcess(int32(id.PID))
	if err != nil {
		return false
	}
	status, err := p.Status()
	return err == nil && slices.Contains(status, process.Stop)
}

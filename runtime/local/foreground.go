package local

import (
	"context"
	"errors"
	"sync"

	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
)

// Foreground keeps members in the process that makes it: they end with it.
type Foreground struct {
	// Output is told what members say, Happened what happens to them. Both are
	// called one at a time and must return quickly; either may be nil.
	Output   func(runtime.Line)
	Happened func(Happening)
	// Anyway holds also members that were in the background when they ran last, where
	// they stay otherwise.
	Anyway bool

	mu    sync.Mutex
	left  bool
	end   context.CancelFunc
	ended chan struct{}
	err   error
}

// errStarts is the error of a second cluster in one foreground.
var errStarts = errors.New("one foreground runs one cluster")

// run returns when all members are started. They run until Stop, or until
// somebody shuts the cluster down.
func (f *Foreground) run(ctx context.Context, home process.Home, stack process.Stack) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended != nil {
		select {
		case <-f.ended:
		default:
			return errStarts
		}
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	ended, ready := make(chan struct{}), make(chan struct{})
	f.end, f.ended = end, ended
	go func() {
		defer close(ended)
		f.err = home.Run(life, stack, process.Options{
			Output: func(l process.Line) {
				if f.Output != nil {
					f.Output(runtime.Line{Server: l.Member, Time: l.Time, Text: l.Text})
				}
			},
			Events:  f.Happened,
			Prepare: prepareServices(life),
			Ready:   func() { close(ready) },
		})
	}()
	select {
	case <-ready:
		return nil
	case <-ended:
		return f.err
	case <-ctx.Done():
		end()
		<-ended
		return ctx.Err()
	}
}

// Wait returns when the members have ended, because ctx ended or because
// somebody has shut the cluster down. The error is that of stopping.
func (f *Foreground) Wait(ctx context.Context) error {
	f.mu.Lock()
	ended, end := f.ended, f.end
	f.mu.Unlock()
	if ended == nil {
		return nil
	}
	select {
	case <-ended:
	case <-ctx.Done():
		end()
		<-ended
	}
	return f.err
}

// holds tells whether members that ran before are to end with this process.
func (f *Foreground) holds(last process.Stack) bool {
	if f == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = !f.Anyway && last.Notes[placeNote] == inBackground
	return !f.left
}

// Left reports whether members were started in the background, where they were before.
func (f *Foreground) Left() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.left
}

// Happening is something that happened to a member.
type Happening = process.Event

// Runs reports whether members run in this process.
func (f *Foreground) Runs() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended == nil {
		return false
	}
	select {
	case <-f.ended:
		return false
	default:
		return true
	}
}

// Holds is true: see Options.Foreground.
func (*Runtime) Holds() bool { return true }

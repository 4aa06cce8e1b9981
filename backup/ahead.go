package backup

import (
	"os"
	"sync"
	"time"
)

// A member holds what it gives a snapshot of as long as somebody reads it: its database grows
// meanwhile, and a defragmentation waits for the end, and has it answer nobody until then
// (findings/slow-snapshots-hold-a-member.sh). So what is written faster than a slow file takes
// it, as one on another machine, is kept on a disk nearby in the meantime.

// mostWaiting is how long a member waits in all for what its data is written to: less than
// etcd gives a request, so that those which wait with it are still answered.
const mostWaiting = 3 * time.Second

// nearby is how many bytes are kept in memory, twice.
const nearby = 1 << 20

// ahead is an archiveFile that takes more than its file has taken.
type ahead struct {
	to archiveFile

	mu      sync.Mutex
	changed *sync.Cond
	near    []byte   // comes next
	far     *os.File // comes after that, from taken to kept; nil until it is needed
	forget  func()   // deletes it
	taken   int64
	kept    int64
	full    error // why nothing more is kept there
	waited  time.Duration
	busy    bool // something is being written to the file
	closed  bool
	err     error // the file's
	over    chan struct{}
}

// goAhead begins to write to a file. Close has to be called.
func goAhead(to archiveFile) *ahead {
	a := &ahead{to: to, over: make(chan struct{})}
	a.changed = sync.NewCond(&a.mu)
	go a.drain()
	return a
}

// Write returns once it is known where to keep what is written. What the file says of it
// shows later, at the latest at ReadAt or Close.
func (a *ahead) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for done := 0; ; {
		switch {
		case a.err != nil:
			return done, a.err
		case a.closed:
			return done, os.ErrClosed
		}
		done += a.keep(p[done:])
		a.changed.Broadcast()
		if done == len(p) {
			return done, nil
		}
		a.wait()
	}
}

// keep keeps as much as there is room for, behind all that is kept.
func (a *ahead) keep(p []byte) int {
	n := 0
	if a.taken == a.kept {
		n = min(len(p), nearby-len(a.near))
		a.near = append(a.near, p[:n]...)
	}
	if n == len(p) || a.waited < mostWaiting && a.far == nil || a.full != nil {
		return n
	}
	if a.far == nil {
		if a.far, a.forget, a.full = nameless(); a.full != nil {
			return n
		}
	}
	m, err := a.far.WriteAt(p[n:], a.kept)
	a.kept, a.full = a.kept+int64(m), err // without room there the member waits as it would have
	return n + m
}

// wait waits for the file, and no longer than until what comes is kept elsewhere.
func (a *ahead) wait() {
	begun := time.Now()
	if a.full == nil {
		defer time.AfterFunc(mostWaiting-a.waited, func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.changed.Broadcast()
		}).Stop()
	}
	a.changed.Wait()
	a.waited += time.Since(begun)
}

// drain writes to the file what is kept for it.
func (a *ahead) drain() {
	defer close(a.over)
	spare := make([]byte, 0, nearby)
	a.mu.Lock()
	defer a.mu.Unlock()
	for {
		for len(a.near) == 0 && a.taken == a.kept && !a.closed {
			a.changed.Wait()
		}
		if a.closed || a.err != nil {
			return
		}
		spare = a.pass(spare)
		a.changed.Broadcast()
	}
}

// pass writes what comes next to the file, and gives the memory that it was in.
func (a *ahead) pass(spare []byte) []byte {
	next, from, far := a.near, a.taken, 0
	if len(next) == 0 {
		far = int(min(nearby, a.kept-a.taken))
		next = spare[:far]
	} else {
		a.near = spare[:0]
	}
	a.busy = true
	a.mu.Unlock()
	var err error
	if far > 0 {
		_, err = a.far.ReadAt(next, from)
	}
	if err == nil {
		_, err = a.to.Write(next)
	}
	a.mu.Lock()
	a.busy = false
	a.taken, a.err = from+int64(far), err
	return next[:0]
}

// settle waits until the file has all that was written.
func (a *ahead) settle() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.err == nil && (len(a.near) > 0 || a.taken < a.kept || a.busy) {
		a.changed.Wait()
	}
	return a.err
}

// ReadAt reads the file, which has all that was written then.
func (a *ahead) ReadAt(p []byte, off int64) (int, error) {
	if err := a.settle(); err != nil {
		return 0, err
	}
	return a.to.ReadAt(p, off)
}

// Close gives up what the file has not taken yet: who wants all of it there settles before.
func (a *ahead) Close() {
	a.mu.Lock()
	a.closed = true
	a.changed.Broadcast()
	a.mu.Unlock()
	<-a.over
	if a.far != nil {
		a.forget()
	}
}

package process

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/etcdctr/etcdctr/internal/processid"
)

// keeper keeps one member running.
type keeper struct {
	output io.Writer
	start  func(*exec.Cmd) error // see starter
	change func(func(*MemberState), Event)
	// forgets tells whether its data goes when it is stopped: that of one that
	// crashes stays, as long as it is started again.
	forgets func() bool
	pauses  backoff.BackOff
	atOnce  atomic.Bool // kill it instead of asking it to stop
	// guards tells that it is not started again once its data is gone, and held that it
	// has had some since it was begun.
	guards bool
	held   atomic.Bool
	// hurry is how long the member may take to stop this time, in nanoseconds; 0
	// for its grace.
	hurry atomic.Int64

	// What it runs; changed only while nothing runs.
	member Member
	grace  time.Duration

	mu      sync.Mutex // of what follows
	cancel  context.CancelFunc
	done    chan struct{} // closed when the keeper rests
	retired bool
}

// longEnough is how long a member must have run for its next crash to count as
// the first.
const longEnough = time.Minute

// crashPauses are the pauses before a crashed member is started again: short
// enough not to be missed from the cluster, and soon long enough for one that
// crashes again and again not to be in the way.
func crashPauses() backoff.BackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = 500 * time.Millisecond
	b.Multiplier = 2
	b.MaxInterval = 30 * time.Second
	return b
}

// begin keeps the member running from now on, unless it does already. The error
// is that of the first start.
func (k *keeper) begin() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.beginLocked()
}

func (k *keeper) beginLocked() error {
	if k.retired {
		return ErrStopping
	}
	if k.done != nil {
		select {
		case <-k.done:
		default:
			return nil
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd, err := k.spawn(ctx)
	if err != nil {
		cancel()
		return err
	}
	k.cancel, k.done = cancel, make(chan struct{})
	k.held.Store(false)
	k.pauses.Reset()
	go k.keep(ctx, cmd)
	return nil
}

// end stops the member and returns when it is stopped. It is killed after the
// given time, if that is less than its grace and not 0.
func (k *keeper) end(within time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.hurry.Store(int64(within))
	k.endLocked()
	k.hurry.Store(0)
}

func (k *keeper) endLocked() {
	if k.done != nil {
		k.cancel()
		<-k.done
	}
	if k.forgets() {
		_ = os.RemoveAll(k.member.DataDir) // what is left, whoever starts it next sets aside
	}
}

// replace stops the member and starts it as it is described in a stack.
func (k *keeper) replace(s Stack) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.endLocked()
	if m, ok := s.find(k.member.Name); ok {
		k.member, k.grace = m, s.StopGrace
	}
	return k.beginLocked()
}

// retire is end for good.
func (k *keeper) retire() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.retired = true
	k.endLocked()
}

// kill ends the member at once and for good.
func (k *keeper) kill() {
	k.atOnce.Store(true)
	k.retire()
}

// keep waits for the process to end, and starts it again if it should not have.
func (k *keeper) keep(ctx context.Context, cmd *exec.Cmd) {
	defer close(k.done)
	for {
		began := time.Now()
		ended := k.awaitData()
		err := cmd.Wait()
		ended()
		sweep(cmd.Process)
		switch {
		case ctx.Err() != nil:
			k.report(Stopped, Event{Kind: Ended}, cmd)
			return
		case err == nil:
			k.report(Left, Event{Kind: HasLeft}, cmd)
			return
		}
		if time.Since(began) > longEnough {
			k.pauses.Reset()
		}
		if cmd = k.again(ctx, cmd); cmd == nil {
			return
		}
	}
}

// awaitData notes that the member has data as soon as that is seen, until it has ended.
func (k *keeper) awaitData() (ended func()) {
	if !k.guards || k.noteData() {
		return func() {}
	}
	over, looked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(looked)
		for look := time.Tick(200 * time.Millisecond); ; {
			select {
			case <-over:
				k.noteData() // its last moment
				return
			case <-look:
			}
			if k.noteData() {
				return
			}
		}
	}()
	return func() { close(over); <-looked }
}

// noteData tells whether the member has data, or has had some.
func (k *keeper) noteData() bool {
	if there, err := os.ReadDir(k.member.DataDir); err == nil && len(there) > 0 {
		k.held.Store(true)
	}
	return k.held.Load()
}

// emptied tells that the member has had data, and that none of it is there any more. What
// can't be read is not gone.
func (k *keeper) emptied() bool {
	if !k.held.Load() {
		return false
	}
	there, err := os.ReadDir(k.member.DataDir)
	return err == nil && len(there) == 0 || errors.Is(err, fs.ErrNotExist)
}

// again starts a member that crashed, after a pause, and gives nil if it was
// stopped before that, or if its data is gone: the others would take the member for the
// one that it was, and count on what that one had written.
func (k *keeper) again(ctx context.Context, crashed *exec.Cmd) *exec.Cmd {
	for {
		if k.emptied() {
			k.report(Emptied, Event{Kind: WasEmptied}, crashed)
			return nil
		}
		pause := k.pauses.NextBackOff()
		k.report(Restarting, Event{Kind: Crashed, Delay: pause}, crashed)
		select {
		case <-ctx.Done():
			k.report(Stopped, Event{Kind: Ended}, crashed)
			return nil
		case <-time.After(pause):
		}
		if k.emptied() {
			continue
		}
		if cmd, err := k.spawn(ctx); err == nil {
			return cmd
		}
	}
}

// spawn starts the member's process. When ctx ends, the process is asked to
// stop, and is killed if it still runs after the grace.
func (k *keeper) spawn(ctx context.Context) (*exec.Cmd, error) {
	dir := filepath.Dir(k.member.DataDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, k.member.Path)
	cmd.Args, cmd.Env, cmd.Dir = k.member.Args, k.member.environment(), dir
	cmd.Stdout, cmd.Stderr = k.output, k.output
	cmd.SysProcAttr = child()
	cmd.Cancel = func() error {
		if k.atOnce.Load() {
			return cmd.Process.Kill()
		}
		if within := time.Duration(k.hurry.Load()); within > 0 && within < k.grace {
			time.AfterFunc(within, func() { _ = cmd.Process.Kill() }) // mostly it has ended by then
		}
		return askToStop(cmd.Process)
	}
	cmd.WaitDelay = k.grace
	began := time.Now()
	if err := k.start(cmd); err != nil {
		return nil, err
	}
	k.change(func(s *MemberState) {
		if s.Status == Restarting {
			s.Restarts++
		} else {
			s.Restarts = 0 // somebody has asked for this start
		}
		s.Status, s.Began, s.Process = Running, began, processid.Of(cmd.Process.Pid)
	}, Event{Kind: Started, PID: cmd.Process.Pid})
	return cmd, nil
}

// report tells how a process ended, and what the member does now.
func (k *keeper) report(status Status, e Event, cmd *exec.Cmd) {
	e.PID, e.Exit = cmd.Process.Pid, cmd.ProcessState.String()
	k.change(func(s *MemberState) {
		s.Status, s.Process, s.LastExit = status, ID{}, e.Exit
	}, e)
}

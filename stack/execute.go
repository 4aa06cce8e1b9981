package stack

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"
)

// Execution is how a plan is carried out.
type Execution struct {
	Engine   Engine
	Progress Progress
	// WaitTimeout bounds each wait for a container.
	WaitTimeout time.Duration
	// Check runs the health check of a container, where the engine does not by
	// itself; nil where it does.
	Check func(ctx context.Context, container string) error

	report sync.Mutex
}

// Run carries a plan out, each operation once those before it are done, and
// gives the operations that have left something: those that are done, and a
// failed one that the engine may have carried out in part. After an error or once ctx is cancelled
// it begins no further one. What it has begun to change it finishes: nothing is
// left in a state that is not known.
func (x *Execution) Run(ctx context.Context, p *Plan) ([]*Op, error) {
	finished := make(map[*Op]chan struct{}, len(p.Ops))
	for _, o := range p.Ops {
		finished[o] = make(chan struct{})
	}
	var done []*Op
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	for _, o := range p.Ops {
		g.Go(func() error {
			if err := waitFor(ctx, o.After, finished); err != nil {
				return err
			}
			if err := pause(ctx, o.pause); err != nil {
				return err
			}
			err := x.step(ctx, o)
			if err == nil || !errdefs.IsConflict(err) { // a conflict is about somebody else's object
				mu.Lock()
				done = append(done, o)
				mu.Unlock()
			}
			if err == nil {
				close(finished[o])
			}
			return err
		})
	}
	err := g.Wait()
	return done, err
}

func waitFor(ctx context.Context, ops []*Op, finished map[*Op]chan struct{}) error {
	for _, o := range ops {
		select {
		case <-finished[o]:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// step carries one operation out and tells about it.
func (x *Execution) step(ctx context.Context, o *Op) error {
	x.tell(Event{Op: o, Stage: Started})
	err := x.do(ctx, o)
	if err != nil {
		x.tell(Event{Op: o, Stage: Failed, Err: err})
		return err
	}
	x.tell(Event{Op: o, Stage: Done})
	return nil
}

func (x *Execution) tell(e Event) {
	if x.Progress != nil {
		x.report.Lock()
		defer x.report.Unlock()
		x.Progress(e)
	}
}

// do carries one operation out. Only those that wait can be interrupted.
func (x *Execution) do(ctx context.Context, o *Op) error {
	var err error
	switch o.Verb {
	case AwaitHealth, AwaitExit:
		return x.await(ctx, o)
	case Stop:
		err = x.stop(ctx, o)
	default:
		err = x.change(context.WithoutCancel(ctx), o)
	}
	if err != nil && ctx.Err() == nil {
		return &OpError{Op: o, Err: err}
	}
	return err
}

func (x *Execution) change(ctx context.Context, o *Op) error {
	e := x.Engine
	var err error
	switch o.Verb {
	case CreateNetwork:
		err = o.network.create(ctx, e)
	case RemoveNetwork:
		_, err = e.NetworkRemove(ctx, o.target(), client.NetworkRemoveOptions{})
	case CreateVolume:
		err = o.volume.create(ctx, e)
	case RemoveVolume:
		_, err = e.VolumeRemove(ctx, o.target(), client.VolumeRemoveOptions{})
	case CopyFiles:
		err = o.files.run(ctx, e)
	case CreateContainer:
		err = o.create.create(ctx, e, o.Name)
	case RenameContainer:
		_, err = e.ContainerRename(ctx, o.target(), client.ContainerRenameOptions{NewName: o.newName})
	case RemoveContainer:
		err = removeContainer(ctx, e, o.target())
	case Start:
		_, err = e.ContainerStart(ctx, o.target(), client.ContainerStartOptions{})
	case Resume:
		err = resume(ctx, e, o.target())
	default:
		return fmt.Errorf("no such operation: %s", o.Verb)
	}
	if o.Verb.removes() && errdefs.IsNotFound(err) {
		return nil // somebody was faster
	}
	return err
}

// removes reports whether the operation is done when its object is not there.
func (v Verb) removes() bool { return v == RemoveNetwork || v == RemoveVolume || v == RemoveContainer }

// stop has a container stopped, and killed in the middle of a second where that is
// meant. An engine that does nothing else to a container while it stops kills it at
// the end of that second.
func (x *Execution) stop(ctx context.Context, o *Op) error {
	if o.grace > 0 && o.grace%time.Second != 0 {
		kill := time.AfterFunc(o.grace, func() {
			_, _ = x.Engine.ContainerKill(ctx, o.target(), client.ContainerKillOptions{Signal: "SIGKILL"}) // it may have ended
		})
		defer kill.Stop()
	}
	_, err := x.Engine.ContainerStop(ctx, o.target(), client.ContainerStopOptions{Timeout: o.graceSeconds()})
	return err
}

// graceSeconds are for the engine, which counts in whole ones; nil leaves it to
// the container.
func (o *Op) graceSeconds() *int {
	if o.grace <= 0 {
		return nil
	}
	n := int((o.grace + time.Second - 1) / time.Second)
	return &n
}

// target is what the engine knows the operation's object by.
func (o *Op) target() string {
	if o.object != "" {
		return o.object
	}
	return o.Name
}

// resume wakes a container. One that is awake was woken by somebody else.
func resume(ctx context.Context, e Engine, name string) error {
	_, err := e.ContainerUnpause(ctx, name, client.ContainerUnpauseOptions{})
	if err != nil && notPaused(err) {
		return nil
	}
	return err
}

// notPaused recognizes the engine's refusal to wake what is awake. Engine
// 20.10 answers it with status 500, and only its text tells.
func notPaused(err error) bool {
	text := err.Error()
	return errdefs.IsConflict(err) || strings.Contains(text, "is not paused")
}

// OpError is the failure of one operation.
type OpError struct {
	Op  *Op
	Err error
}

func (e *OpError) Error() string { return fmt.Sprintf("cannot %s: %s", e.Op, engineText(e.Err)) }
func (e *OpError) Unwrap() error { return e.Err }

// engineText drops what every answer of an engine begins with.
func engineText(err error) string {
	return strings.TrimPrefix(err.Error(), "Error response from daemon: ")
}

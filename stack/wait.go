package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Waiting begins with short pauses, because a service is up within a second,
// and goes on with longer ones, because what is not up by then is not so soon.
const (
	firstPause   = 10 * time.Millisecond
	longestPause = 100 * time.Millisecond
)

// checkPause is the longest where each look starts a process.
const checkPause = 500 * time.Millisecond

// A container that the engine has started again this often is not going to
// come up, and one that has been frozen for this long was frozen by somebody.
const (
	mostRestarts  = 2
	longestFreeze = 2 * time.Second
)

// lastLines is how much of a container's log an error carries.
const lastLines = 40

// UnwellError tells of a container that did not come to what was waited for.
type UnwellError struct {
	Container string
	Service   string
	What      string   // such as "exited with code 1"
	Err       error    // why its log can't be read
	Log       []string // the last lines that it wrote
}

func (e *UnwellError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s %s: %v", e.Container, e.What, e.Err)
	}
	return e.Container + " " + e.What
}

func (e *UnwellError) Unwrap() error { return e.Err }

// await waits for what the operation says, and gives up early on a container
// that cannot come to it any more.
func (x *Execution) await(ctx context.Context, o *Op) error {
	limited, cancel := context.WithTimeout(ctx, x.WaitTimeout)
	defer cancel()
	w := &wait{engine: x.Engine, op: o, check: x.Check}
	for pause := firstPause; ; pause = min(pause*3/2, w.longestPause()) {
		done, err := w.look(limited)
		if done || err != nil && limited.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-limited.Done():
			return w.unwell(ctx, fmt.Sprintf("%s within %s", w.missing(), x.WaitTimeout))
		case <-time.After(pause):
		}
	}
}

// wait is one wait for one container.
type wait struct {
	engine Engine
	op     *Op
	check  func(ctx context.Context, container string) error

	service string
	seen    bool
	frozen  time.Time // since when; zero while it is awake
	past    int       // how often the engine had started it again before this plan
}

func (w *wait) longestPause() time.Duration {
	if w.check != nil && w.op.Verb == AwaitHealth {
		return checkPause
	}
	return longestPause
}

func (w *wait) missing() string {
	if w.op.Verb == AwaitExit {
		return "did not end"
	}
	return "did not become healthy"
}

// look reports whether the wait is over, and gives an error if it never will.
func (w *wait) look(ctx context.Context) (done bool, err error) {
	r, err := w.engine.ContainerInspect(ctx, w.op.target(), client.ContainerInspectOptions{})
	if err != nil {
		return false, &OpError{Op: w.op, Err: err}
	}
	c := r.Container
	if !w.seen && len(w.op.After) == 0 { // nothing here has started it, which begins the count anew
		w.past = c.RestartCount
	}
	w.seen, w.service = true, c.Config.Labels[serviceLabel]
	if w.op.Verb == AwaitExit {
		return w.ended(ctx, c)
	}
	if err := w.alive(ctx, c); err != nil {
		return false, err
	}
	return w.healthy(ctx, c)
}

func (w *wait) ended(ctx context.Context, c container.InspectResponse) (bool, error) {
	if c.State.Status != container.StateExited {
		return false, nil
	}
	if c.State.ExitCode != 0 {
		return false, w.unwell(ctx, exited(c))
	}
	return true, nil
}

func (w *wait) healthy(ctx context.Context, c container.InspectResponse) (bool, error) {
	if c.State.Health == nil {
		return false, w.unwell(ctx, "has no health check, and others wait for it")
	}
	if w.check != nil && c.State.Running && c.State.Health.Status != container.Healthy {
		// What it says is seen at the next look, and that it could not be run
		// tells of a container that has just ended.
		_ = w.check(ctx, c.ID)
	}
	if c.State.Health.Status == container.Unhealthy {
		return false, w.unwell(ctx, "is unhealthy")
	}
	return c.State.Health.Status == container.Healthy, nil
}

// alive gives an error for a container that is not going to come up by itself.
func (w *wait) alive(ctx context.Context, c container.InspectResponse) error {
	switch {
	case c.State.Status == container.StateExited, c.State.Status == container.StateDead:
		return w.unwell(ctx, exited(c))
	case c.RestartCount-w.past >= mostRestarts:
		return w.unwell(ctx, exited(c)+", "+timesInARow(c))
	case c.State.Status != container.StatePaused:
		w.frozen = time.Time{}
	case w.frozen.IsZero():
		w.frozen = time.Now()
	case time.Since(w.frozen) > longestFreeze:
		return w.unwell(ctx, "was paused")
	}
	return nil
}

func exited(c container.InspectResponse) string {
	const sigKill = 128 + 9
	switch {
	case c.State.Running:
		return "ended" // and runs again, which has cleared its code
	case c.State.OOMKilled:
		return "ran out of memory"
	case c.State.ExitCode == sigKill:
		return "was killed"
	default:
		return fmt.Sprintf("exited with code %d", c.State.ExitCode)
	}
}

func timesInARow(c container.InspectResponse) string {
	n := c.RestartCount
	if !c.State.Running {
		n++
	}
	return fmt.Sprintf("%d times in a row", n)
}

// unwell makes the error that says what, with the container's last words.
func (w *wait) unwell(ctx context.Context, what string) error {
	log, err := logTail(ctx, w.engine, w.op.target())
	return &UnwellError{Container: w.op.Name, Service: w.service, What: what, Err: err, Log: log}
}

func logTail(ctx context.Context, e Engine, name string) ([]string, error) {
	r, err := e.ContainerLogs(ctx, name, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: fmt.Sprint(lastLines)})
	if err != nil {
		return nil, fmt.Errorf("read its log: %w", err)
	}
	defer r.Close()
	var text bytes.Buffer
	if _, err := stdcopy.StdCopy(&text, &text, r); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read its log: %w", err)
	}
	return strings.Split(strings.TrimRight(text.String(), "\n"), "\n"), nil
}

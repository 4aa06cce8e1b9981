package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Waiting begins with short pauses, because a member is up within a second,
// and goes on with longer ones, because what is not up by then is not so soon.
const (
	firstPause   = 10 * time.Millisecond
	longestPause = 100 * time.Millisecond
	// betweenLooks is how long what the engine has said of a container is
	// taken for true: it has enough to do while containers start.
	betweenLooks = 250 * time.Millisecond
)

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
	Err       error    // the last answer, if there was one
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
	w := &wait{engine: x.Engine, prober: x.Prober, op: o}
	for pause := firstPause; ; pause = min(pause*3/2, longestPause) {
		done, err := w.look(limited)
		if done || err != nil && limited.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-limited.Done():
			return w.unwell(ctx, fmt.Sprintf("%s within %s", w.missing(), x.WaitTimeout), w.last)
		case <-time.After(pause):
		}
	}
}

// wait is one wait for one container.
type wait struct {
	engine Engine
	prober Prober
	op     *Op

	container Container // as the engine has last described it
	looked    time.Time // when that was
	last      error     // what kept the container from being ready
	frozen    time.Time // since when; zero while it is awake
	past      int       // how often the engine had started it again before this plan
}

func (w *wait) missing() string {
	switch w.op.Verb {
	case AwaitExit:
		return "did not end"
	case AwaitHealth:
		return "did not become healthy"
	default:
		return "did not answer"
	}
}

// look reports whether the wait is over, and gives an error if it never will.
func (w *wait) look(ctx context.Context) (done bool, err error) {
	if w.container.Status == container.StateRunning && time.Since(w.looked) < betweenLooks && w.op.Verb == AwaitAnswer {
		return w.answered(ctx), nil
	}
	r, err := w.engine.ContainerInspect(ctx, w.op.target(), client.ContainerInspectOptions{})
	if err != nil {
		return false, &OpError{Op: w.op, Err: err}
	}
	c := r.Container
	if w.looked.IsZero() && len(w.op.After) == 0 { // nothing here has started it, which begins the count anew
		w.past = c.RestartCount
	}
	w.container, w.looked = inspected(c), time.Now()
	if w.op.Verb == AwaitExit {
		return w.ended(ctx, c)
	}
	if err := w.alive(ctx, c); err != nil {
		return false, err
	}
	if w.op.Verb == AwaitHealth {
		return w.healthy(ctx, c)
	}
	return c.State.Status == container.StateRunning && w.answered(ctx), nil
}

// answered asks with a bound of its own: a member that breaks down over the
// question must not keep the wait from seeing it.
func (w *wait) answered(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	w.last = w.prober.Probe(ctx, w.container)
	return w.last == nil
}

func (w *wait) ended(ctx context.Context, c container.InspectResponse) (bool, error) {
	if c.State.Status != container.StateExited {
		return false, nil
	}
	if c.State.ExitCode != 0 {
		return false, w.unwell(ctx, exited(c), nil)
	}
	return true, nil
}

func (w *wait) healthy(ctx context.Context, c container.InspectResponse) (bool, error) {
	if c.State.Health == nil {
		return false, w.unwell(ctx, "has no health check, and others wait for it", nil)
	}
	if c.State.Health.Status == container.Unhealthy {
		return false, w.unwell(ctx, "is unhealthy", nil)
	}
	return c.State.Health.Status == container.Healthy, nil
}

// alive gives an error for a container that is not going to come up by itself.
func (w *wait) alive(ctx context.Context, c container.InspectResponse) error {
	switch {
	case c.State.Status == container.StateExited, c.State.Status == container.StateDead:
		return w.unwell(ctx, exited(c), nil)
	case c.RestartCount-w.past >= mostRestarts:
		return w.unwell(ctx, exited(c)+", "+timesInARow(c), nil)
	case c.State.Status != container.StatePaused:
		w.frozen = time.Time{}
	case w.frozen.IsZero():
		w.frozen = time.Now()
	case time.Since(w.frozen) > longestFreeze:
		return w.unwell(ctx, "was paused", nil)
	}
	return nil
}

// longestLoss bounds the wait for the loss of peers. A leader steps down after an
// election timeout without a quorum, a second with etcd's defaults, whatever it
// takes them for.
const longestLoss = 3 * time.Second

// awaitPeersLost waits until a container has noticed that the others are gone.
func (x *Execution) awaitPeersLost(ctx context.Context, o *Op) error {
	limited, cancel := context.WithTimeout(ctx, longestLoss)
	defer cancel()
	for limited.Err() == nil && x.Prober.Peers(limited, o.container) > o.peers {
		_ = pause(limited, firstPause)
	}
	return ctx.Err()
}

// lull is what the members take to stop, as far as their health checks are
// concerned: until the last of them takes no more requests.
const lull = 500 * time.Millisecond

// longestCheck bounds the wait for a health check's end. One that takes longer
// is that of a member that is not well.
const longestCheck = time.Second

// awaitLull waits while a container's health check is under way or about to be.
// What the engine does not tell, or tells by another clock, is not waited for.
func (x *Execution) awaitLull(ctx context.Context, o *Op) error {
	limited, cancel := context.WithTimeout(ctx, lull+longestCheck)
	defer cancel()
	for limited.Err() == nil {
		r, err := x.Engine.ContainerInspect(limited, o.target(), client.ContainerInspectOptions{})
		if err != nil || !checking(r.Container, time.Now()) {
			break
		}
		_ = pause(limited, longestPause)
	}
	return ctx.Err()
}

// checking reports whether a container's health check is under way or begins
// within a lull. The engine begins one an interval after the end of the last, or
// after the start of the container.
func checking(c container.InspectResponse, now time.Time) bool {
	health, config := c.State.Health, c.Config.Healthcheck
	if health == nil || config == nil {
		return false
	}
	last, _ := time.Parse(time.RFC3339Nano, c.State.StartedAt)
	if n := len(health.Log); n > 0 {
		last = health.Log[n-1].End
	}
	interval := config.Interval
	if health.Status == container.Starting && config.StartInterval > 0 {
		interval = config.StartInterval
	}
	until := last.Add(interval).Sub(now)
	return until > -longestCheck && until < min(lull, interval/2)
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
func (w *wait) unwell(ctx context.Context, what string, err error) error {
	log, errLog := logTail(ctx, w.engine, w.op.target())
	return &UnwellError{Container: w.op.Name, Service: w.container.Service, What: what, Err: errors.Join(err, errLog), Log: log}
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

// inspected is a container as a Prober needs to know it.
func inspected(r container.InspectResponse) Container {
	c := Container{
		ID: r.ID, Name: strings.TrimPrefix(r.Name, "/"), Service: r.Config.Labels[serviceLabel],
		Status: r.State.Status, Image: r.Config.Image, Labels: r.Config.Labels,
		Addresses: map[string]netip.Addr{}, NetworkIDs: map[string]string{},
	}
	for name, endpoint := range r.NetworkSettings.Networks {
		c.NetworkIDs[name] = endpoint.NetworkID
		if endpoint.IPAddress.IsValid() {
			c.Addresses[name] = endpoint.IPAddress
		}
	}
	return c
}

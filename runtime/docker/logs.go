package docker

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// Logs gives the lines of servers. The engine knows when each was said.
func (r *Runtime) Logs(ctx context.Context, name string, o runtime.LogOptions, line func(runtime.Line)) error {
	f, err := r.find(ctx, name)
	if err != nil {
		return err
	}
	chosen, err := f.choose(o.Servers)
	if err != nil {
		return err
	}
	var servers []func(context.Context, func(runtime.Line)) error
	for _, c := range chosen {
		servers = append(servers, func(ctx context.Context, line func(runtime.Line)) error {
			l := &listener{r: r, name: name, o: o, line: line}
			return l.listen(ctx, c, f.details[c.ID])
		})
	}
	return runtime.Listen(ctx, line, servers...)
}

// listener hears what one server says, over all its containers.
type listener struct {
	r     *Runtime
	name  string
	o     runtime.LogOptions
	line  func(runtime.Line)
	last  time.Time // of the last line
	again bool      // it has been started since
}

func (l *listener) listen(ctx context.Context, c stack.Container, in container.InspectResponse) error {
	options := stack.LogOptions{Follow: l.o.Follow, Tail: tail(l.o.Tail), Since: since(l.since(in)), Timestamps: true}
	for {
		err := stack.Logs(ctx, l.r.engine, []stack.Container{c}, options, l.hear)
		if err != nil || !l.o.Follow {
			return err
		}
		if c, err = l.next(ctx, c, in); err != nil {
			return err
		}
		if in, err = l.inspect(ctx, c); err != nil {
			return err
		}
		options.Tail, options.Since = "", since(l.last)
	}
}

// since is the moment that a server's lines begin at.
func (l *listener) since(in container.InspectResponse) time.Time {
	from := l.o.Since
	if l.o.ThisStart && in.State != nil {
		if started := moment(in.State.StartedAt); started.After(from) {
			from = started
		}
	}
	return from
}

// hear splits the engine's time from a line. After a new start the last moment
// is asked for again, and what was said in it was heard already.
func (l *listener) hear(c stack.Container, text string) {
	x := runtime.Stamped(c.Service, text)
	if !x.Time.After(l.last) && !x.Time.IsZero() && l.o.Follow && l.again {
		return
	}
	l.last = x.Time
	l.line(x)
}

// between is how long a server that has ended is left alone until it is looked
// whether it runs again.
const between = 250 * time.Millisecond

// next waits for a server's next start, in the same container or in another one.
func (l *listener) next(ctx context.Context, c stack.Container, in container.InspectResponse) (stack.Container, error) {
	for {
		select {
		case <-ctx.Done():
			return c, ctx.Err()
		case <-time.After(between):
		}
		f, err := l.r.find(ctx, l.name)
		if errors.Is(err, runtime.ErrNotFound) {
			continue // it may come back
		}
		if err != nil {
			return c, err
		}
		now, ok := f.Own.Service(c.Service)
		if ok && now.Running() && (now.ID != in.ID || f.details[now.ID].State.StartedAt != in.State.StartedAt) {
			return now, nil
		}
	}
}

func (l *listener) inspect(ctx context.Context, c stack.Container) (container.InspectResponse, error) {
	l.again = true
	details, err := l.r.inspect(ctx, []stack.Container{c})
	return details[c.ID], err
}

// tail is how many lines the engine is asked for; all when negative.
func tail(n int) string {
	if n < 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// since is a moment as the engine takes it: seconds, and what is behind them.
func since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.Unix(), 10) + "." + padded(t.Nanosecond())
}

func padded(nanoseconds int) string {
	const digits = 9
	s := strconv.Itoa(nanoseconds)
	return strings.Repeat("0", digits-len(s)) + s
}

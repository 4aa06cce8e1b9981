package swarm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/swarm"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// Logs gives the lines of servers, task by task. Swarm keeps the last few tasks of each.
func (r *Runtime) Logs(ctx context.Context, name string, o runtime.LogOptions, line func(runtime.Line)) error {
	f, err := r.find(ctx, name)
	if err != nil {
		return err
	}
	some, err := f.chosen(o.Servers)
	if err != nil {
		return err
	}
	var servers []func(context.Context, func(runtime.Line)) error
	for _, s := range some {
		servers = append(servers, func(ctx context.Context, line func(runtime.Line)) error {
			l := &listener{r: r, server: f.server(s), service: s.ID, nodes: f.nodes, o: o, line: line}
			return l.listen(ctx, f.tasks[s.ID])
		})
	}
	return runtime.Listen(ctx, line, servers...)
}

// listener hears what one server says, over all its tasks.
type listener struct {
	r       *Runtime
	server  string
	service string
	nodes   nodes
	o       runtime.LogOptions
	line    func(runtime.Line)
	heard   map[string]bool // tasks, by ID
}

// listen gives what tasks have said, the oldest first, and goes on with those that come.
func (l *listener) listen(ctx context.Context, tasks []swarm.Task) error {
	l.heard = map[string]bool{}
	past := slices.DeleteFunc(slices.Clone(tasks), func(t swarm.Task) bool {
		return !hasRun(t) || l.nodes.byID(t.NodeID).Status.State != swarm.NodeStateReady // what it has said is there, too
	})
	if l.o.ThisStart && len(past) > 1 {
		past = past[:1]
	}
	slices.Reverse(past)
	if err := l.tell(ctx, past); err != nil || !l.o.Follow {
		return err
	}
	for {
		next, err := l.next(ctx)
		if err != nil {
			return err
		}
		if err := l.follow(ctx, next); err != nil {
			return err
		}
	}
}

// tell gives the last lines of all tasks. The one that runs is left to follow, if that is
// asked for.
func (l *listener) tell(ctx context.Context, tasks []swarm.Task) error {
	var all []runtime.Line
	var errs []error
	for _, t := range tasks {
		if l.o.Follow && t.Status.State == swarm.TaskStateRunning && l.o.Tail < 0 {
			continue
		}
		l.heard[t.ID] = !l.o.Follow || t.Status.State != swarm.TaskStateRunning
		errs = append(errs, l.read(ctx, t, false, func(x runtime.Line) { all = append(all, x) }))
	}
	if l.o.Tail >= 0 {
		all = all[max(0, len(all)-l.o.Tail):]
	}
	for _, x := range all {
		l.line(x)
	}
	if l.o.Tail >= 0 {
		l.o.Since = l.r.o.Now() // of the one that is followed, only what comes
	}
	return errors.Join(errs...)
}

// follow hears a task to its end. Swarm goes on with a task's log after that, so what it
// has said last is read once more.
func (l *listener) follow(ctx context.Context, t swarm.Task) error {
	l.heard[t.ID] = true
	running, ended := context.WithCancel(ctx)
	defer ended()
	go func() {
		l.awaitEnd(running, t.ID)
		ended()
	}()
	said := 0
	err := l.read(running, t, true, func(x runtime.Line) {
		said++
		l.line(x)
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && running.Err() == nil {
		return err
	}
	return l.read(ctx, t, false, func(x runtime.Line) {
		if said--; said < 0 {
			l.line(x)
		}
	})
}

// awaitEnd waits until a task does not run any more, or nobody can tell.
func (l *listener) awaitEnd(ctx context.Context, task string) {
	ticker := time.NewTicker(between)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		list, err := l.r.engine.TaskList(ctx, client.TaskListOptions{Filters: make(client.Filters).Add("id", task)})
		if err == nil && !slices.ContainsFunc(list.Items, func(t swarm.Task) bool { return t.Status.State == swarm.TaskStateRunning }) {
			return
		}
	}
}

// between is how long is waited until it is looked whether there is another task.
const between = 250 * time.Millisecond

// next waits for a task that has not been heard.
func (l *listener) next(ctx context.Context) (swarm.Task, error) {
	for {
		list, err := l.r.engine.TaskList(ctx, client.TaskListOptions{Filters: make(client.Filters).Add("service", l.service)})
		if err != nil && !errdefs.IsNotFound(err) {
			return swarm.Task{}, fmt.Errorf("ask the swarm for the tasks of %s: %w", l.server, unavailable(err))
		}
		for _, t := range list.Items {
			if !l.heard[t.ID] && hasRun(t) {
				return t, nil
			}
		}
		select {
		case <-ctx.Done():
			return swarm.Task{}, ctx.Err()
		case <-time.After(between):
		}
	}
}

// read gives the lines of a task that are not older than was asked for.
func (l *listener) read(ctx context.Context, t swarm.Task, follow bool, line func(runtime.Line)) error {
	o := client.TaskLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Follow: follow}
	answer, err := l.r.engine.TaskLogs(ctx, t.ID, o)
	if errdefs.IsNotFound(err) {
		return nil // gone by now
	}
	if err == nil {
		defer answer.Close()
		err = stack.Lines(answer, func(text string) {
			if x := runtime.Stamped(l.server, text); !x.Time.Before(l.o.Since) || x.Time.IsZero() {
				line(x)
			}
		})
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("read the log of %s: %w", l.server, err)
	}
	return ctx.Err()
}

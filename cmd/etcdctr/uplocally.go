package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/process"
)

// This file is `up` with local processes.

// The words of --runtime.
const (
	runtimeAuto    = "auto"
	runtimeDocker  = "docker"
	runtimeProcess = "process"
)

// locally decides whether the members are to be processes of this machine.
func (o upOptions) locally(ctx context.Context, a *app) (bool, error) {
	p, err := o.stack.cluster.processes(a)
	switch {
	case err != nil:
		return false, err
	case o.runtime == runtimeDocker && p != nil:
		return false, withHint(fmt.Errorf("%s is a stack of local processes, in %s", p.stack.Name, p.home.Dir),
			"`etcdctr down` ends it; --name starts another one beside it")
	case o.runtime == runtimeDocker || o.fileCompose != "" && o.runtime == runtimeAuto:
		return false, nil
	case o.runtime == runtimeProcess && o.fileCompose != "":
		return false, usage(errors.New("--file-compose needs a Docker Engine: leave out --runtime process"))
	case o.runtime == runtimeProcess || p != nil:
		return true, nil
	}
	kept, err := o.stack.cluster.keptProcesses(a)
	if kept != nil || err != nil {
		return err == nil, err // where its data is, whatever engine answers by now
	}
	engine, err := connectEngine(ctx)
	if err == nil {
		return false, engine.Close()
	}
	if errors.Is(err, errNoEngine) {
		a.say("%s: running the members as processes of this machine", errNoEngine)
		return true, nil
	}
	return false, err
}

// upLocally starts the members as processes, or finds that they run.
func (o upOptions) upLocally(ctx context.Context, a *app) error {
	began := a.now()
	w, err := o.localWish(ctx, a)
	if err != nil {
		return err
	}
	for _, warning := range w.cluster.Warnings {
		a.warn("%s", warning)
	}
	if o.dryRun {
		return w.printPlan(a)
	}
	if err := a.prepare(ctx, w.cluster, o.stack.cluster); err != nil {
		return err
	}
	switch {
	case w.running:
		err = w.roll(ctx, o.waitTimeout)
	case o.detach:
		w, err = o.inBackground(ctx, a, w)
	default:
		return w.foreground(ctx, a, o)
	}
	if err == nil {
		a.sayUp(w.stack, a.now().Sub(began).Seconds())
	}
	return err
}

func (a *app) sayUp(s process.Stack, seconds float64) {
	a.say("%s is up: all %s after %.1f s", s.Name, plural(len(s.Members), "member")+" answer", seconds)
}

// localWish is what is to run on this machine.
type localWish struct {
	processes
	cluster *cluster.Cluster
	running bool     // already
	changed []change // what runs otherwise than is wanted
	fresh   bool     // nothing of it has ever run
}

func (o upOptions) localWish(ctx context.Context, a *app) (*localWish, error) {
	f := o.stack.cluster
	spec, mistakes, err := f.spec(a)
	if err != nil {
		return nil, err
	}
	home, err := f.processHome(spec.ClusterName())
	if err != nil {
		return nil, err
	}
	program, err := o.program(ctx, &spec)
	if err != nil {
		return nil, err
	}
	last, err := home.Stack()
	fresh := errors.Is(err, process.ErrNoStack)
	if err != nil && !fresh {
		return nil, err
	}
	state, err := home.State()
	if err != nil && !errors.Is(err, process.ErrNoStack) {
		return nil, err
	}
	certs, err := filepath.Abs(f.certificates())
	if err != nil {
		return nil, fmt.Errorf("cannot find the current folder: %w", err)
	}
	seats := seating{home: home.Dir, certs: certs, ports: portsOfStack(last)}
	c, err := seats.resolve(a, spec, state.Running)
	if err := errors.Join(append(mistakes, err)...); err != nil {
		return nil, usage(err)
	}
	if err := program.fits(c); err != nil {
		return nil, err
	}
	w := &localWish{cluster: c, fresh: fresh}
	w.processes = processes{home: home, certsDir: certs}
	if w.stack, err = processStack(c, program); err != nil {
		return nil, err
	}
	// The one inside sees to that itself, and faster. With discovery nobody
	// asks before all are there.
	w.stack.InTurn = fresh && program.given && c.Bootstrap != cluster.ByDiscovery
	w.running = state.Running
	return w, w.compare(ctx, last)
}

// compare holds what is wanted against what there is, and refuses what it
// cannot bring about.
func (w *localWish) compare(ctx context.Context, last process.Stack) error {
	for _, m := range last.Members {
		if _, err := os.Stat(m.DataDir); err != nil {
			continue // it has kept nothing that could contradict
		}
		if err := mayBecome(w.home.Dir, settingsOf(last), settingsOf(w.stack), w.running); err != nil {
			return err
		}
		break
	}
	if !w.running {
		return nil
	}
	if was, is := memberNames(last.Services), memberNames(w.stack.Services); !slices.Equal(was, is) {
		return withHint(fmt.Errorf("%s runs with the services %s, and %s are wanted", w.stack.Name, orNone(was), orNone(is)),
			"`etcdctr down`, which keeps the data, and `etcdctr up` bring that about")
	}
	w.changed = w.changes(ctx, last)
	return nil
}

func settingsOf(s process.Stack) []memberSettings {
	var all []memberSettings
	for _, m := range s.Members {
		all = append(all, memberSettings{m.Name, m.Env})
	}
	return all
}

// inBackground starts the stack, and gives it as it was started. Between looking
// for free ports and listening on them somebody else may have taken them: then
// the same wish has other ports now.
func (o upOptions) inBackground(ctx context.Context, a *app, w *localWish) (*localWish, error) {
	const attempts = 5
	for range attempts - 1 {
		err := w.background(ctx, o)
		if err == nil || !w.fresh || o.keep || ctx.Err() != nil {
			return w, err
		}
		again, wrong := o.localWish(ctx, a)
		if wrong != nil || maps.Equal(portsOfStack(w.stack), portsOfStack(again.stack)) && !wasTaken(err) {
			return w, err
		}
		w = again
		if err := a.prepare(ctx, w.cluster, o.stack.cluster); err != nil {
			return w, err
		}
	}
	return w, w.background(ctx, o)
}

// wasTaken tells that a member failed for a port that is free by now: somebody
// else who had it for a moment has failed in the same way.
func wasTaken(err error) bool {
	return strings.Contains(err.Error(), "address already in use") || strings.Contains(err.Error(), " is held by ")
}

// background starts the stack and leaves it alone. A first start that fails
// leaves nothing.
func (w *localWish) background(ctx context.Context, o upOptions) error {
	if err := w.hideFolder(); err != nil {
		return err
	}
	err := w.launch(ctx)
	if err == nil {
		err = w.waitFormed(ctx, o.waitTimeout)
	}
	if err != nil && !o.keep {
		return errors.Join(err, w.undo(context.WithoutCancel(ctx)))
	}
	return err
}

// undo takes back what a start that failed has made.
func (w *localWish) undo(ctx context.Context) error {
	err := w.home.Shutdown(ctx, w.fresh)
	if errors.Is(err, process.ErrNoStack) {
		err = nil
	}
	if w.fresh {
		err = errors.Join(err, w.home.Remove(ctx, true))
	}
	return err
}

// foreground runs the stack and shows what its members say until ctx ends, or
// somebody else stops it.
func (w *localWish) foreground(ctx context.Context, a *app, o upOptions) error {
	if err := w.hideFolder(); err != nil {
		return err
	}
	began := a.now()
	lines := newMemberLines(a.out, memberNames(slices.Concat(w.stack.Members, w.stack.Services)))
	own, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := w.home.Run(own, w.stack, process.Options{
		Output:  func(l process.Line) { lines.print(l.Member, l.Text) },
		Events:  func(e process.Event) { a.tellEvent(e) },
		Prepare: prepareServices,
		Ready: func() {
			go func() {
				if err := w.waitFormed(own, o.waitTimeout); err != nil {
					cancel(err)
					return
				}
				a.sayUp(w.stack, a.now().Sub(began).Seconds())
			}()
		},
	})
	switch cause := context.Cause(own); {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err() // it is stopped: that was Ctrl-C
	case cause != nil && w.fresh && !o.keep:
		return errors.Join(cause, w.home.Remove(ctx, true))
	case cause != nil:
		return cause
	}
	a.say("%s was stopped", w.stack.Name)
	return nil
}

func (a *app) tellEvent(e process.Event) {
	text := e.String()
	if e.Member != "" {
		text = e.Member + ": " + text
	}
	if e.Alarming() {
		a.warn("%s", text)
	} else {
		a.say("%s", text)
	}
}

// hideFolder keeps the stacks' folder, keys and data of it, out of a
// repository that it may be in.
func (w *localWish) hideFolder() error {
	return writeIfMissing(filepath.Join(filepath.Dir(w.home.Dir), ".gitignore"), []byte("*\n"))
}

func writeIfMissing(path string, data []byte) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("cannot make the folder of local stacks: %w", err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return fmt.Errorf("cannot write into the folder of local stacks: %w", err)
	}
	return nil
}

// printPlan tells what would be started.
func (w *localWish) printPlan(a *app) error {
	if w.running && len(w.changed) == 0 {
		a.say("%s runs as wanted: nothing to do", w.stack.Name)
		return nil
	}
	var b strings.Builder
	for _, c := range w.changed {
		fmt.Fprintln(&b, c)
	}
	if w.running {
		return a.writeResult("", []byte(b.String()))
	}
	for _, m := range w.stack.Services {
		fmt.Fprintf(&b, "start process %s: %s, at %s\n", m.Name, programOf(m), clientAddress(m))
	}
	for _, m := range w.stack.Members {
		fmt.Fprintf(&b, "start process %s: %s, clients on %s, data in %s\n", m.Name, programOf(m), clientAddress(m), m.DataDir)
	}
	return a.writeResult("", []byte(b.String()))
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
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
	if err := a.ensureCertificates(ctx, w.cluster, w.certsDir); err != nil {
		return err
	}
	switch {
	case w.running:
		err = w.waitServing(ctx, w.stack.Members, o.waitTimeout)
	case o.detach:
		err = w.background(ctx, o)
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
	running bool // already, and just as wanted
	fresh   bool // nothing of it has ever run
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
	w.processes = processes{home: home, stack: processStack(c, program.path), certsDir: certs}
	w.stack.InTurn = fresh && program.given // the one inside sees to that itself, and faster
	w.running, err = w.compare(last, state)
	return w, err
}

// compare holds what is wanted against what there is, and refuses what it
// cannot bring about. It reports whether all runs as wanted.
func (w *localWish) compare(last process.Stack, state process.State) (running bool, err error) {
	for _, m := range last.Members {
		if _, err := os.Stat(m.DataDir); err != nil {
			continue // it has kept nothing that could contradict
		}
		if was, is := settingIn(m.Env, "initial-cluster"), w.cluster.Members[0].Settings.Get("initial-cluster"); was != is {
			return false, withHint(fmt.Errorf("the data in %s is of another cluster, %s, than is wanted, %s", w.home.Dir, was, is),
				"`etcdctr down --volumes` deletes it; --name starts another cluster beside it")
		}
		break
	}
	if !state.Running {
		return false, nil
	}
	for i, m := range w.stack.Members {
		if !reflect.DeepEqual(m, last.Members[i]) {
			return false, withHint(fmt.Errorf("%s runs already, under process %d, and %s with other settings than are wanted now",
				state.Name, state.Supervisor.PID, m.Name), "`etcdctr down`, which keeps the data, and `etcdctr up` bring them about")
		}
	}
	return true, nil
}

// background starts the stack and leaves it alone. A first start that fails
// leaves nothing.
func (w *localWish) background(ctx context.Context, o upOptions) error {
	if err := w.hideFolder(); err != nil {
		return err
	}
	err := w.launch(ctx)
	if err == nil {
		err = w.waitServing(ctx, w.stack.Members, o.waitTimeout)
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
	lines := newMemberLines(a.out, memberNames(w.stack.Members))
	own, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := w.home.Run(own, w.stack, process.Options{
		Output: func(l process.Line) { lines.print(l.Member, l.Text) },
		Events: func(e process.Event) { a.tellEvent(e) },
		Ready: func() {
			go func() {
				if err := w.waitServing(own, w.stack.Members, o.waitTimeout); err != nil {
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
	if w.running {
		a.say("%s runs as wanted: nothing to do", w.stack.Name)
		return nil
	}
	var b strings.Builder
	for _, m := range w.stack.Members {
		fmt.Fprintf(&b, "start process %s: %s, clients on 127.0.0.1:%d, data in %s\n", m.Name, m.Path, clientPort(m), m.DataDir)
	}
	return a.writeResult("", []byte(b.String()))
}

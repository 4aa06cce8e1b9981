package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/client"
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/stack"
)

// stackFlags say which stack a command is about. A stack is found by its name
// alone; the cluster file is one way to say it.
type stackFlags struct {
	cluster  *clusterFlags
	progress string
}

// addStackFlags gives cmd the flags that find a stack.
func addStackFlags(cmd *cobra.Command) *stackFlags {
	return &stackFlags{cluster: addClusterFlags(cmd)}
}

// driven is a stack and all that it takes to work on it.
type driven struct {
	project string
	engine  *client.Client
	driver  *stack.Driver
	prober  *prober // the driver's
	flags   *clusterFlags
	volumes []string // of the project as it is described, by their names in the Compose file
	// wantedFlags say what is to run where flags do not.
	wantedFlags []string
	board       progressBoard
}

func (d *driven) name() string { return d.project }

func (d *driven) close() {
	d.board.close()
	d.engine.Close()
}

// open finds the engine. The stack itself may not be there.
func (f *stackFlags) open(ctx context.Context, a *app) (*driven, error) {
	c, err := f.cluster.resolve(a)
	if err != nil {
		return nil, err
	}
	d, err := f.drive(ctx, a, c.Name, c.TLS)
	if err != nil {
		return nil, err
	}
	for name := range compose.Project(c, compose.Options{}).Volumes {
		d.volumes = append(d.volumes, name)
	}
	return d, nil
}

func (f *stackFlags) drive(ctx context.Context, a *app, project string, mode cluster.TLSMode) (*driven, error) {
	engine, err := connectEngine(ctx)
	if err != nil {
		return nil, err
	}
	p, err := newProber(ctx, engine, mode, f.cluster.certificates())
	if err != nil {
		return nil, err
	}
	board := a.newProgress(f.progress)
	d := &driven{
		project: project, engine: engine, board: board, prober: p, flags: f.cluster,
		driver: &stack.Driver{Engine: engine, Prober: p, Progress: showOperations(board), WaitTimeout: defaultWaitTimeout},
	}
	d.driver.Explain = d.explain
	return d, nil
}

// defaultWaitTimeout is how long a member may take to answer.
const defaultWaitTimeout = time.Minute

// showOperations puts the operations of a plan on a board.
func showOperations(board progressBoard) stack.Progress {
	return func(e stack.Event) {
		s := step{Item: e.Op.Name, Action: string(e.Op.Verb), Detail: e.Op.Cause, Done: e.Stage == stack.Done}
		if e.Stage != stack.Failed {
			board.show(s)
		}
	}
}

// run carries a plan out.
func (d *driven) run(ctx context.Context, p *stack.Plan) error {
	err := d.driver.Run(ctx, p)
	d.board.close()
	if err == nil {
		return nil
	}
	return d.explain(ctx, err)
}

// observe gives what the engine holds of the stack, which must be something.
func (d *driven) observe(ctx context.Context) (*stack.State, error) {
	s, err := stack.Observe(ctx, d.engine, d.project)
	if err != nil {
		return nil, err
	}
	if len(s.Containers) == 0 {
		return nil, withHint(fmt.Errorf("there is no stack %s on this engine", d.project),
			"`etcdctr ls` shows those that there are; --name chooses one")
	}
	return s, nil
}

// choose gives the containers of the named services, or all when none is
// named.
func choose(s *stack.State, names []string) ([]stack.Container, error) {
	if len(names) == 0 {
		return s.Containers, nil
	}
	var chosen []stack.Container
	var errs []error
	for _, name := range names {
		if c, ok := s.Service(name); ok {
			chosen = append(chosen, c)
		} else {
			errs = append(errs, fmt.Errorf("%s has no member %q: it has %s", s.Project, name, strings.Join(services(s), ", ")))
		}
	}
	return chosen, usage(errors.Join(errs...))
}

func services(s *stack.State) []string {
	var names []string
	for _, c := range s.Containers {
		names = append(names, c.Service)
	}
	return slices.Compact(names)
}

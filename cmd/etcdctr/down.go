package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/stack"
)

func newDownCommand(a *app) *cobra.Command {
	var volumes, yes bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Stop the cluster and remove its containers and networks",
		Long: `down stops the members, the leader last, and removes the containers and networks
of the stack. The data stays in its volumes for the next ` + "`etcdctr up`" + `, unless
--volumes deletes it too; then nothing is stopped gently either. On a terminal
that asks for the cluster's name, and elsewhere it takes --yes. What else the
Compose project holds, such as an application beside the members, is left alone
with its volumes and with the networks that it is on.`,
		Example: `  etcdctr down
  etcdctr down --name orders --volumes`,
		Args: cobra.NoArgs,
	}
	f := addStackFlags(cmd)
	addProgressFlag(cmd, &f.progress)
	cmd.Flags().BoolVar(&volumes, "volumes", false, "delete the data as well")
	cmd.Flags().BoolVar(&yes, "yes", false, "delete it without asking")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !volumes {
			return runDown(cmd.Context(), a, f)
		}
		may, err := a.consent(yes)
		if err != nil {
			return err
		}
		return runDownWithData(cmd.Context(), a, f, may)
	}
	return cmd
}

func runDown(ctx context.Context, a *app, f *stackFlags) error {
	r, err := f.runner(ctx, a)
	if err != nil {
		return err
	}
	defer r.close()
	return r.down(ctx, a, nil)
}

func runDownWithData(ctx context.Context, a *app, f *stackFlags, may consent) error {
	kept, err := f.cluster.keptProcesses(a)
	if err != nil {
		return err
	}
	if kept != nil {
		return f.remove(ctx, a, kept, may)
	}
	d, err := f.open(ctx, a)
	if err != nil {
		return err
	}
	defer d.close()
	if err := d.checkHere(ctx, a); err != nil {
		return err
	}
	return f.remove(ctx, a, d, may)
}

// checkHere refuses to delete the data of a stack that was started in another
// folder and has the name of every cluster that was given none.
func (d *driven) checkHere(ctx context.Context, a *app) error {
	spec, _, err := d.flags.spec(a)
	if err != nil || spec.Name != "" {
		return err
	}
	s, err := stack.Observe(ctx, d.engine, d.project)
	if err != nil {
		return err
	}
	here, err := os.Stat(".")
	if err != nil {
		return fmt.Errorf("cannot find the current folder: %w", err)
	}
	for _, c := range s.Members() {
		was := c.WorkingDir()
		if there, err := os.Stat(was); was != "" && (err != nil || !os.SameFile(here, there)) {
			return withHint(fmt.Errorf("%s was started in %s: its data is not deleted from another folder", d.project, was),
				"`--name %s` says that it is meant", d.project)
		}
	}
	return nil
}

// remove takes a stack down with its data, and with its discovery token, so that
// the next one takes another.
func (f *stackFlags) remove(ctx context.Context, a *app, r runner, may consent) error {
	if err := r.down(ctx, a, may); err != nil {
		return err
	}
	return retireToken(f.cluster.tokenFile(r.name()))
}

// planDown goes by the labels of what is there, and by the names that the
// description gives to what carries none.
func (d *driven) planDown(ctx context.Context, volumes bool) (*stack.Plan, error) {
	s, err := stack.Observe(ctx, d.engine, d.project)
	if err != nil {
		return nil, err
	}
	named := stack.Names{Networks: compose.NetworkNames(), Volumes: d.volumes}
	for _, c := range s.Containers {
		if c.Own() {
			named.Volumes = append(named.Volumes, compose.VolumeName(c.Service))
		}
	}
	return d.driver.PlanDown(ctx, s, named, volumes)
}

func (d *driven) down(ctx context.Context, a *app, may consent) error {
	release, err := d.lock(ctx, a)
	if err != nil {
		return err
	}
	defer release()
	p, err := d.planDown(ctx, may != nil)
	if err != nil {
		return explainForeign(err)
	}
	a.sayAll(p.Notes)
	if p.Empty() {
		a.say("there is no stack %s on this engine: nothing to do", d.project)
		return nil
	}
	if may != nil {
		if err := may(ctx, d.project, p.Losses()); err != nil {
			return err
		}
	}
	if err := d.run(ctx, p); err != nil {
		return err
	}
	if may == nil {
		a.say("%s is down, and its data is kept", d.project)
		return nil
	}
	a.say("%s is gone, its data too", d.project)
	return nil
}

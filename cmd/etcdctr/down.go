package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newDownCommand(a *app) *cobra.Command {
	var volumes bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Stop the cluster and remove its containers and networks",
		Long: `down stops the members, the leader last, and removes the containers and networks
of the stack. The data stays in its volumes for the next ` + "`etcdctr up`" + `, unless
--volumes deletes it too; then nothing is stopped gently either.`,
		Example: `  etcdctr down
  etcdctr down --name orders --volumes`,
		Args: cobra.NoArgs,
	}
	f := addStackFlags(cmd)
	addProgressFlag(cmd, &f.progress)
	cmd.Flags().BoolVar(&volumes, "volumes", false, "delete the data as well")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return runDown(cmd.Context(), a, f, volumes)
	}
	return cmd
}

func runDown(ctx context.Context, a *app, f *stackFlags, volumes bool) error {
	if !volumes {
		r, err := f.runner(ctx, a)
		if err != nil {
			return err
		}
		defer r.close()
		return r.down(ctx, a, false)
	}
	kept, err := f.cluster.keptProcesses(a)
	if err != nil {
		return err
	}
	if kept != nil {
		return f.remove(ctx, a, kept)
	}
	d, err := f.open(ctx, a)
	if err != nil {
		return err
	}
	defer d.close()
	return f.remove(ctx, a, d)
}

// remove takes a stack down with its data, and with its discovery token, so that
// the next one takes another.
func (f *stackFlags) remove(ctx context.Context, a *app, r runner) error {
	if err := r.down(ctx, a, true); err != nil {
		return err
	}
	return retireToken(f.cluster.tokenFile(r.name()))
}

func (d *driven) down(ctx context.Context, a *app, volumes bool) error {
	release, err := d.lock(ctx, a)
	if err != nil {
		return err
	}
	defer release()
	p, err := d.driver.PlanDown(ctx, d.project, volumes)
	if err != nil {
		return err
	}
	if p.Empty() {
		a.say("there is no stack %s on this engine: nothing to do", d.project)
		return nil
	}
	if err := d.run(ctx, p); err != nil {
		return err
	}
	if !volumes {
		a.say("%s is down, and its data is kept", d.project)
		return nil
	}
	a.say("%s is gone, its data too", d.project)
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/adopt"
	"github.com/etcdctr/etcdctr/cmd/internal/startup"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

type downOptions struct {
	verbOptions
	volumes, yes bool
	noBackup     bool
}

func newDownCommand(a *app) *cobra.Command {
	var o downOptions
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Stop the cluster and remove its containers and networks",
		Long: `down stops the members, the leader last, and removes the containers and networks
of the stack. The data stays in its volumes for the next ` + "`etcdctr up`" + `, unless
--volumes deletes it too; then nothing is stopped gently either. On a terminal
that asks for the cluster's name, and elsewhere it takes --yes. With profile:
production a last backup is taken first, to the destination in the cluster file or
into its folder, unless there is --no-backup. What else the
Compose project holds, such as an application beside the members, is left alone
with its volumes and with the networks that it is on.`,
		Example: `  etcdctr down
  etcdctr down --name orders --volumes`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runDown),
	}
	o.cluster = addFindingFlags(cmd)
	addProgressFlag(cmd, &o.working.progress)
	addFormatFlag(cmd, &o.format)
	addDryRunFlag(cmd, &o.dryRun)
	cmd.Flags().BoolVar(&o.volumes, "volumes", false, "delete the data as well")
	cmd.Flags().BoolVar(&o.noBackup, "no-backup", false, "with --volumes and profile: production, take no last backup")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "delete it without asking")
	return cmd
}

func runDown(ctx context.Context, a *app, o downOptions, _ []string) error {
	var may consent
	if o.volumes && !o.dryRun {
		var err error
		if may, err = a.consent(o.yes); err != nil {
			return err
		}
	}
	o.cluster.bears = !o.volumes
	c, err := o.find(ctx, a)
	if errors.Is(err, adopt.ErrNothing) {
		a.say("there is nothing to take down: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer c.close()
	have, err := c.Observe(ctx)
	if none := (*runtime.NotFoundError)(nil); errors.As(err, &none) {
		a.say("%v: nothing to do", none)
		if o.volumes && !o.dryRun {
			return c.Forget()
		}
		return nil
	}
	if err != nil {
		return err
	}
	if o.volumes {
		if err := c.CheckHere(have); err != nil {
			return err
		}
	}
	change := etcdctr.Change{Verb: converge.Down, Data: o.volumes}
	if o.dryRun {
		return a.printPlan(ctx, c, change, o.format)
	}
	if may != nil {
		if err := may(ctx, c.name(), have.Losses()); err != nil {
			return err
		}
	}
	if o.volumes && !o.noBackup {
		if err := o.lastBackup(ctx, a, c); err != nil {
			return err
		}
	}
	if err := c.carryOut(ctx, a, o.cluster, change); err != nil {
		return err
	}
	switch left := leftBehind(c.Left()); {
	case !o.volumes:
		a.say("%s is down, and its data is kept", c.name())
	case len(left) > 0:
		a.say("%s is gone, its data is not yet%s: it has to be deleted %s", c.name(), leftOf(have), strings.Join(left, "; "))
	case len(have.Losses()) == 0 && len(have.Others) > 0:
		a.say("%s is gone, and none of its data was deleted%s", c.name(), leftOf(have))
	default:
		a.say("%s is gone, its data too%s", c.name(), leftOf(have))
	}
	return nil
}

// find finds the cluster. A line about members that it has adopted long ago is taken out
// of its file first: once its data is gone, what was kept of them would count as what is
// still to be adopted.
func (o downOptions) find(ctx context.Context, a *app) (*found, error) {
	c, err := o.cluster.find(ctx, a, o.working)
	if err != nil || o.dryRun {
		return c, err
	}
	struck, err := a.settle(ctx, c, o.cluster)
	if err == nil && len(struck) == 0 {
		return c, nil
	}
	c.close()
	if err != nil {
		return nil, err
	}
	return o.cluster.find(ctx, a, o.working)
}

// leftBehind tells what a runtime could not delete, by what deletes it.
func leftBehind(data []runtime.Left) []string {
	var all []string
	for _, left := range data {
		all = append(all, fmt.Sprintf("on %s: `%s`", left.Where, left.Command))
	}
	return all
}

// lastBackup keeps what there is before it is deleted.
func (o downOptions) lastBackup(ctx context.Context, a *app, c *found) error {
	startup.Over() // what is streamed is garbage at once
	place, made, err := c.LastBackup(ctx, o.cluster.dir())
	if err == nil && place != "" {
		a.say("%s: the last backup, revision %d of %s", place, made.Revision, made.From)
	}
	return err
}

// leftOf tells what data is left, as it is in what somebody else has made.
func leftOf(have *runtime.State) string {
	var places []string
	for _, s := range have.Servers {
		if s.Lent && s.Data != runtime.None {
			places = append(places, s.DataAt)
		}
	}
	if places == nil {
		return ""
	}
	return ", but for what is in " + strings.Join(places, ", ")
}

package main

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/adopt"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cmd/internal/startup"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
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
	o.cluster = a.Finding(cmd)
	typed.AddProgress(cmd, &o.working.Progress)
	typed.AddFormat(cmd, &o.format)
	typed.AddDryRun(cmd, &o.dryRun)
	cmd.Flags().BoolVar(&o.volumes, "volumes", false, "delete the data as well")
	cmd.Flags().BoolVar(&o.noBackup, "no-backup", false, "with --volumes and profile: production, take no last backup")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "delete it without asking")
	return cmd
}

func runDown(ctx context.Context, a *app, o downOptions, _ []string) error {
	var may consent
	if o.volumes && !o.dryRun {
		var err error
		if may, err = a.consent("--volumes", o.yes); err != nil {
			return err
		}
	}
	o.cluster.Bears, o.working.Settles = true, !o.dryRun
	if o.volumes {
		o.cluster.Minds = []string{"backup"} // which may be taken before
	}
	c, err := o.cluster.Find(ctx, o.working)
	if errors.Is(err, adopt.ErrNothing) {
		a.Say("there is nothing to take down: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer c.Close()
	if o.dryRun {
		if _, err = c.Observe(ctx); err == nil {
			return c.PrintPlan(ctx, etcdctr.Change{Verb: converge.Down, Data: o.volumes}, o.format)
		}
	} else {
		err = o.take(ctx, a, c, may)
	}
	none := (*runtime.NotFoundError)(nil)
	if !errors.As(err, &none) {
		return err
	}
	rest, err := c.HasRest(ctx)
	switch {
	case err != nil:
		return err
	case rest && o.dryRun:
		a.Say("%v, and what it has left, such as a network, would be removed once nobody is on it", none)
	case rest:
		a.Say("%v, only what somebody else uses", none)
	default:
		a.Say("%v: nothing to do", cmp.Or(c.OtherName(), error(none)))
	}
	return nil
}

// take takes the cluster down, and tells what is left of it.
func (o downOptions) take(ctx context.Context, a *app, c *target.Found, may consent) error {
	startup.Over() // what is streamed is garbage at once
	gone, err := c.TakeDown(ctx, etcdctr.TakeDownOptions{
		Data: o.volumes, NoBackup: o.noBackup,
		Consent: func(ctx context.Context, losses []string) error { return may(ctx, c.Name(), losses) },
		Kept: func(place string, made backup.Metadata) {
			a.Say("%s: the last backup, revision %d of %s", place, made.Revision, made.From)
		},
		Change: func(ctx context.Context, change etcdctr.Change) error { return c.CarryOut(ctx, change) },
	})
	if err != nil {
		return err
	}
	but := ""
	if len(gone.Lent) > 0 {
		but = ", but for what is in " + strings.Join(gone.Lent, ", ")
	}
	switch {
	case gone.Rest:
		a.Say("what %s had left is gone, too", c.Name())
	case len(gone.Begun) > 0:
		a.Say("what was begun of %s is taken away; %s, from which it was to take over, is left alone", c.Name(), strings.Join(gone.Begun, ", "))
	case !o.volumes:
		a.Say("%s is down, and its data is kept%s", c.Name(), keptIn(gone.Kept))
	case len(gone.Left) > 0:
		a.Say("%s is gone, its data is not yet%s: it has to be deleted %s", c.Name(), but, target.LeftBehind(gone.Left))
	case gone.Spared():
		a.Say("%s is gone, and none of its data was deleted%s", c.Name(), but)
	default:
		a.Say("%s is gone, its data too%s", c.Name(), but)
	}
	return nil
}

// keptIn says where data is kept, as far as that is known.
func keptIn(places []string) string {
	if len(places) == 0 {
		return ""
	}
	var short []string
	for _, place := range places {
		short = append(short, target.ShortPath(place))
	}
	return " in " + strings.Join(short, ", ")
}

package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cmd/internal/backupview"
	"github.com/etcdctr/etcdctr/cmd/internal/startup"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

type recoverOptions struct {
	restoreOptions
	output, backups string
}

func newRecoverCommand(a *app) *cobra.Command {
	var o recoverOptions
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Rebuild a cluster that has lost its quorum",
		Long: `recover rebuilds a cluster of which so many members are gone that no quorum is
left, of what the member holds that knows most, running or stopped. A running one
gives its data first: once restarted without a quorum it gives none. Then all are
stopped, what each has on disk is compared, and the log of the one that knows most
is carried out to its end, which takes an etcd of the release that wrote it: the
member's own. That is kept in a backup, compared with the newest earlier one, and
all members are made anew of the better, as restore does. What each member had is
set aside.

--dry-run prints the steps, and which backups would be kept, and does nothing.

A cluster that has a quorum is refused, and so is one of which most members run and
do not answer here: others may reach them.`,
		Example: `  etcdctr recover --dry-run
  etcdctr recover
  etcdctr recover --backups /backups --output /backups`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runRecover),
	}
	o.addTo(a, cmd, "rebuild it without asking")
	flags := cmd.Flags()
	flags.StringVarP(&o.output, "output", "o", ".", "file or folder for the backup of the survivor's data")
	flags.StringVar(&o.backups, "backups", "", "folder, or s3://BUCKET/PREFIX, of earlier backups of the cluster (default the destination in the cluster file)")
	return cmd
}

func runRecover(ctx context.Context, a *app, o recoverOptions, _ []string) error {
	startup.Over() // what is streamed is garbage at once
	o.working.Phases = true
	c, err := o.cluster.Find(ctx, o.working)
	if err != nil {
		return err
	}
	defer c.Close()
	program, err := target.EtcdFor("")
	if err != nil {
		return err
	}
	earlier := o.earlier(c)
	options, err := o.options(a, c, earlier)
	if err != nil {
		return err
	}
	how := etcdctr.RecoverOptions{
		RestoreOptions: options, Output: o.output, Backups: earlier, Program: program,
		Found: func(_, newest backup.Metadata) { backupview.Newest(a.Console, newest) },
	}
	if o.dryRun {
		f, err := c.PlanRecover(ctx, how)
		c.Board.Close()
		if err == nil {
			c.SayPlanned()
		}
		return backupview.Forecast(a.World, f, o.format, err)
	}
	restored, err := c.Recover(ctx, how)
	c.Board.Close()
	return backupview.Restored(ctx, a.World, c, o.format, restored, err)
}

// earlier is where the earlier backups are that are looked at: where they go, unless it is
// said.
func (o recoverOptions) earlier(c *target.Found) string {
	if at := c.BackupsAt(); !o.cluster.Changed("backups") && backup.IsStore(at) {
		return at
	}
	return o.backups
}

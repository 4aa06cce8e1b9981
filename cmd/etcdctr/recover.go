package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/backup"
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
left. It finds the survivor that knows most, which must still run, keeps its data in
a backup first, says what it holds against the newest earlier backup, and makes all
members anew of the better one, as restore does. What each member had is set aside.

Do not restart a survivor before: once restarted without a quorum it gives nothing.
A member that is stopped already is kept with ` + "`etcdctr backup --data-dir`" + `, and brought
back with ` + "`etcdctr restore`" + `.`,
		Example: `  etcdctr recover
  etcdctr recover --backups /backups --output /backups`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRecover(cmd.Context(), a, o) },
	}
	o.cluster = addClusterFlags(cmd)
	addProgressFlag(cmd, &o.working.progress)
	addFormatFlag(cmd, &o.format)
	flags := cmd.Flags()
	flags.StringVarP(&o.output, "output", "o", ".", "file or folder for the backup of the survivor's data")
	flags.StringVar(&o.backups, "backups", "", "folder of earlier backups of the cluster")
	flags.Uint64Var(&o.bump, "bump-revision", backup.DefaultBump, "what the revision is raised by; 0 leaves it as it was")
	flags.StringVar(&o.scratch, "scratch", os.TempDir(), "folder with room for the database")
	flags.BoolVar(&o.yes, "yes", false, "rebuild it without asking")
	return cmd
}

func runRecover(ctx context.Context, a *app, o recoverOptions) error {
	c, err := o.cluster.find(ctx, a, o.working)
	if err != nil {
		return err
	}
	defer c.close()
	restored, err := c.Recover(ctx, etcdctr.RecoverOptions{
		RestoreOptions: o.options(a), Output: o.output, Backups: o.backups, Found: a.sayFound,
	})
	c.board.close()
	switch {
	case errors.Is(err, etcdctr.ErrQuorum):
		return withHint(err, "`etcdctr doctor` names what to do about members that are away")
	case errors.Is(err, backup.ErrNobody):
		return withHint(err, "`etcdctr backup --data-dir` keeps what a stopped member holds, and `etcdctr restore` brings it back")
	}
	return a.sayRestored(c, o.restoreOptions, restored, err)
}

// sayFound tells what there is to rebuild from.
func (a *app) sayFound(survivor, newest backup.Metadata) {
	a.say("%s holds revision %d, and its data is kept", survivor.From, survivor.Revision)
	if newest.Revision == 0 {
		return
	}
	a.say("the newest backup, of %s, holds revision %d", newest.Time.Format(time.RFC3339), newest.Revision)
}

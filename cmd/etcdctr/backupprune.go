package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cmd/internal/backupview"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

type pruneOptions struct {
	cluster, format string
	keep            backup.Keep
	dryRun          bool
}

func newBackupPruneCommand(a *app) *cobra.Command {
	var f *target.Flags
	var o pruneOptions
	cmd := &cobra.Command{
		Use:   "prune [FOLDER]",
		Short: "Delete the backups that no rule keeps",
		Long: `prune deletes the backups in a folder, or in s3://BUCKET/PREFIX, that no rule
keeps, of each cluster by itself, and what was kept of the changes after them. Without one
it is the destination in the cluster file, or else the current folder. The newest of each
cluster always stays, and so does what can't be read: somebody may want to save what there
is of it.`,
		Example: `  etcdctr backup prune /backups --keep-last 3 --keep-daily 7 --keep-weekly 4
  etcdctr backup prune /backups --keep-daily 7 --dry-run`,
		Args: typed.AtMost("FOLDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.atBackups(f, args, func(destination string) error { return runBackupPrune(cmd.Context(), a, destination, o) })
		},
	}
	f = a.ByFile(cmd)
	typed.AddFormat(cmd, &o.format)
	flags := cmd.Flags()
	flags.StringVar(&o.cluster, "name", "", "only the backups of this cluster (default all)")
	flags.IntVar(&o.keep.Last, "keep-last", 0, "keep the newest so many")
	flags.IntVar(&o.keep.Hourly, "keep-hourly", 0, "keep the newest of each of the last so many hours that have one")
	flags.IntVar(&o.keep.Daily, "keep-daily", 0, "keep the newest of each of the last so many days that have one, in UTC")
	flags.IntVar(&o.keep.Weekly, "keep-weekly", 0, "keep the newest of each of the last so many weeks that have one")
	flags.IntVar(&o.keep.Monthly, "keep-monthly", 0, "keep the newest of each of the last so many months that have one")
	flags.BoolVar(&o.dryRun, "dry-run", false, "only show what would be deleted")
	return cmd
}

func runBackupPrune(ctx context.Context, a *app, destination string, o pruneOptions) error {
	if err := o.keep.Check(); err != nil {
		return usage(err)
	}
	s, err := backup.OpenStore(destination)
	if err != nil {
		return usage(err)
	}
	p, err := backup.Prune(ctx, s, o.keep, o.cluster, o.dryRun)
	for _, unread := range p.Unread {
		a.Warn("%v: it stays", unread)
	}
	if err != nil {
		return err
	}
	what := "deleted"
	if o.dryRun {
		what = "would be deleted"
	}
	a.Say("%s %s, %d kept in %s", terminal.Plural(len(p.Gone), "backup"), what, p.Kept, target.ShortPath(s.Place("")))
	return backupview.List(a.Console, p.Gone, o.format)
}

package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cmd/internal/backupview"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

func newBackupListCommand(a *app) *cobra.Command {
	var f *target.Flags
	var format string
	cmd := &cobra.Command{
		Use:   "list [FOLDER]",
		Short: "Show the backups in a folder or a bucket",
		Long: `list shows the backups in a folder, or in s3://BUCKET/PREFIX, the newest first, by
what each says of itself at its end. Without one it is the destination in the cluster
file, or else the current folder. What is no backup, or not whole, is shown with its reason, and the
exit code is 1 then. --format json writes an object for each, one to a line.`,
		Example: `  etcdctr backup list
  etcdctr backup list s3://backups/orders
  etcdctr backup list /backups --format json | jq .metadata.revision`,
		Args: typed.AtMost("FOLDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return runBackupList(cmd.Context(), a, args[0], format)
			}
			spec, _, err := f.Read()
			described := spec.Backup.Destination // the folder where the cluster file has them go
			if err == nil {
				err = runBackupList(cmd.Context(), a, cmp.Or(described, "."), format)
			}
			if errors.Is(err, fs.ErrNotExist) && described != "" { // it is made with the first of them
				a.Say("there is no backup in %s", described)
				return nil
			}
			return err
		},
	}
	f = a.ByFile(cmd)
	typed.AddFormat(cmd, &format)
	return cmd
}

// folder is the one that is given, or the current one.
func folder(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

func runBackupList(ctx context.Context, a *app, destination, format string) error {
	s, err := backup.OpenStore(destination)
	if err != nil {
		return usage(err)
	}
	all, err := backup.List(ctx, s)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		a.Say("there is no backup in %s", target.ShortPath(s.Place("")))
	}
	var wrong []error
	for _, f := range all {
		wrong = append(wrong, f.Err)
	}
	return errors.Join(backupview.List(a.Console, all, format), errors.Join(wrong...))
}

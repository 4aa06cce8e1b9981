package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
			return a.atBackups(f, args, func(destination string) error { return runBackupList(cmd.Context(), a, destination, format) })
		},
	}
	f = a.ByFile(cmd)
	typed.AddFormat(cmd, &format)
	return cmd
}

// atBackups does something where backups are: where it is said, else at the destination in
// the cluster file, which is made with the first of them, else in the current folder.
func (a *app) atBackups(f *target.Flags, args []string, do func(destination string) error) error {
	if len(args) == 1 && backup.IsFile(args[0]) {
		return usage(fmt.Errorf("%s is a file, and what is meant is a folder, or s3://BUCKET/PREFIX, with backups in it: `etcdctr backup verify %[1]s` looks into one", args[0]))
	}
	if len(args) == 1 {
		return do(args[0])
	}
	spec, _, err := f.Read()
	if err != nil {
		return err
	}
	destination := cmp.Or(spec.Backup.Destination, here)
	err = do(destination)
	if errors.Is(err, fs.ErrNotExist) {
		a.Say("there is no backup in %s", target.ShortPath(destination))
		return nil
	}
	return err
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

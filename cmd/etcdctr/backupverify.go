package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cmd/internal/startup"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

func newBackupVerifyCommand(a *app) *cobra.Command {
	var f *target.Flags
	var format, scratch string
	var secret *target.Secrets
	cmd := &cobra.Command{
		Use:   "verify [FILE|FOLDER]",
		Short: "Prove that a backup can be restored",
		Long: `verify restores a backup into a folder of its own, opens what came of it, page by
page, and compares checksum and revision with those of when it was made. It takes
snapshots of ` + "`etcdctl snapshot save`" + ` too. Of a folder, or s3://BUCKET/PREFIX, it takes
the newest, and without either that of the destination in the cluster file, or else of the
current folder. Nothing stays of
what it made.`,
		Example: `  etcdctr backup verify
  etcdctr backup verify orders-20261128T120000Z.tar.zst
  etcdctr backup verify s3://backups/orders/orders-20261128T120000Z.tar.zst
  etcdctr backup verify snapshot.db --scratch /var/tmp`,
		Args: typed.AtMost("FILE|FOLDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := archiveOf(cmd.Context(), f, args)
			if err != nil {
				return err
			}
			return runBackupVerify(cmd.Context(), a, file, scratch, format, secret)
		},
	}
	f = a.ByFile(cmd)
	typed.AddFormat(cmd, &format)
	secret = a.Secrets(cmd)
	cmd.Flags().StringVar(&scratch, "scratch", os.TempDir(), "folder with room for the database")
	return cmd
}

// archiveOf is the backup that is meant: the newest of a folder, or, where none is given,
// of where those of the cluster file go.
func archiveOf(ctx context.Context, f *target.Flags, args []string) (string, error) {
	if len(args) == 1 && !backup.IsStore(args[0]) {
		return args[0], nil
	}
	spec, _, err := f.Read()
	if err != nil {
		return "", err
	}
	place := spec.Backup.Destination
	if len(args) == 1 {
		place = args[0]
	}
	if place == "" {
		file, err := backup.At(ctx, here, spec.ClusterName())
		if errors.Is(err, backup.ErrNoBackup) {
			err = usage(fmt.Errorf("backup verify takes FILE or FOLDER: no cluster file names a backup.destination, which would stand for one, and the current folder has %w", err))
		}
		return file, err
	}
	return backup.At(ctx, target.ShortPath(place), spec.ClusterName())
}

func runBackupVerify(ctx context.Context, a *app, file, scratch, format string, secret *target.Secrets) error {
	startup.Over() // what is streamed is garbage at once
	opens, err := secret.Read(file)
	if err != nil {
		return err
	}
	report, err := backup.VerifyAt(ctx, file, scratch, opens)
	if err != nil {
		return err
	}
	a.Say("%s can be restored: revision %d, %s", file, report.Metadata.Revision, terminal.HumanBytes(report.Metadata.Size))
	return a.Result(format, report, nil)
}

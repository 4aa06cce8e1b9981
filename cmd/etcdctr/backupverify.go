package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cmd/internal/startup"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

func newBackupVerifyCommand(a *app) *cobra.Command {
	var format, scratch string
	var secret *target.Secrets
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Prove that a backup can be restored",
		Long: `verify restores a backup into a folder of its own, opens what came of it, page by
page, and compares checksum and revision with those of when it was made. It takes
snapshots of ` + "`etcdctl snapshot save`" + ` too. Nothing stays of what it made.`,
		Example: `  etcdctr backup verify orders-20261128T120000Z.tar.zst
  etcdctr backup verify s3://backups/orders/orders-20261128T120000Z.tar.zst
  etcdctr backup verify snapshot.db --scratch /var/tmp`,
		Args: typed.Exact("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runBackupVerify(cmd.Context(), a, args[0], scratch, format, secret)
		},
	}
	typed.AddFormat(cmd, &format)
	secret = a.Secrets(cmd)
	cmd.Flags().StringVar(&scratch, "scratch", os.TempDir(), "folder with room for the database")
	return cmd
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

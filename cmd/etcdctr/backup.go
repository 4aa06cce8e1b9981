package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/cmd/internal/startup"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

type backupOptions struct {
	cluster        *target.Flags
	endpoints      *endpointFlags
	output, member string
	dataDir        string
	etcdBinary     string
	locks          backup.Locks
	compression    string
	passphraseFile string
	progress       string
	format         string
}

func newBackupCommand(a *app) *cobra.Command {
	var o backupOptions
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Keep what the cluster holds in one file",
		Long: `backup takes a snapshot of the running cluster from the member that it costs
least, a follower that is in step, verifies it, and writes it into one archive
with all that it takes to bring it back: the cluster file, the releases, the
members, the public part of the authorities. The archive is there whole or not at
all, nobody else can read it, and it replaces nothing. It goes to the destination in the
cluster file, or else into the current folder, where those of --data-dir and --endpoints
always go. --output takes a bucket too: its credentials and its endpoint are those of the AWS
variables.

Without a quorum it is the member that knows most which gives its data, as long as
that has not been restarted. --data-dir takes a copy of a stopped member's data
folder instead, and carries out what is in its log; that takes an etcd of the
release that wrote it.

--endpoints takes a cluster that something else runs, by where its clients reach it:
name all of its members, of which the same one is chosen.

--encrypt-to encrypts all of it for who has the key to a public key of age's, and
--encrypt by the passphrase in --passphrase-file. What a list of backups tells stays
in clear: the cluster's name, time, revision, size and release.`,
		Example: `  etcdctr backup
  etcdctr backup --output /backups
  etcdctr backup --output s3://backups/orders
  etcdctr backup --with-keys --passphrase-file passphrase
  etcdctr backup --encrypt --passphrase-file passphrase
  etcdctr backup --data-dir .etcdctr/etcd/etcd1/data
  etcdctr backup --endpoints https://10.0.0.1:2379,https://10.0.0.2:2379 --cacert ca.crt --cert root.crt --key root.key`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runBackup),
	}
	o.cluster = a.Finding(cmd)
	o.endpoints = addEndpointFlags(cmd)
	typed.AddProgress(cmd, &o.progress)
	typed.AddFormat(cmd, &o.format)
	flags := cmd.Flags()
	flags.StringVarP(&o.output, "output", "o", "", "file, or folder or s3://BUCKET/PREFIX for a file named after the cluster and the time (default the destination in the cluster file, or the current folder)")
	flags.StringVar(&o.member, "member", "", "whose data to take (default the member that it costs least)")
	flags.StringVar(&o.dataDir, "data-dir", "", "take the data folder of a stopped member instead of a running cluster")
	flags.StringVar(&o.etcdBinary, "etcd-binary", "", "with --data-dir, the etcd that wrote the data (default the one inside, where it is of that release)")
	compression := cluster.ClosedChoiceOf("backup.compression")
	o.compression = compression.Default
	flags.Var(&typed.Choice{Value: &o.compression, Of: compression.Takes()}, "compression", compression.What)
	flags.BoolVar(&o.locks.Keys, "with-keys", false, "put the certificates in, with their keys, encrypted")
	flags.StringVar(&o.passphraseFile, "passphrase-file", "", "file with the passphrase of --with-keys or --encrypt")
	flags.BoolVar(&o.locks.Encrypt, "encrypt", false, "encrypt all of it, by the passphrase")
	flags.StringSliceVar(&o.locks.Recipients, "encrypt-to", nil, "encrypt all of it for the public keys of age, age1…")
	cmd.AddCommand(newBackupVerifyCommand(a), newBackupListCommand(a), newBackupPruneCommand(a), newBackupRunCommand(a))
	return cmd
}

func runBackup(ctx context.Context, a *app, o backupOptions, _ []string) error {
	if err := o.endpoints.check(); err != nil {
		return usage(err)
	}
	r := backup.Request{Time: a.Now(), Member: o.member, Stored: o.compression == string(cluster.CompressNone)}
	if o.passphraseFile != "" {
		o.locks.Passphrase = func() (string, error) { return a.Passphrase(o.passphraseFile) }
	}
	if err := o.locks.Lock(&r); err != nil {
		return err
	}
	startup.Over() // what is streamed is garbage at once
	board := a.NewBoard(o.progress)
	defer func() { board.Close() }()
	r.Progress = func(done, total int64) {
		board.Show(terminal.Step{Item: "the data", Action: "taking", Current: done, Total: total, Done: done >= total})
	}
	r.Again = func(broken *backup.BrokenOffError, from string) {
		board.Close()
		a.Warn("%v: %s is asked for its data, from the beginning", broken, from)
		board = a.NewBoard(o.progress)
	}
	path, made, err := o.take(ctx, a, r)
	board.Close()
	err = hints.Interrupted(ctx, err, "no backup was made, and nothing is left of this one")
	if err != nil && o.endpoints.given() {
		return hints.Endpoints(err)
	}
	if err != nil {
		return err
	}
	a.Say("%s: revision %d, %s of %s", path, made.Revision, terminal.HumanBytes(made.Size), made.From)
	if made.Missing > 0 {
		a.Warn("the log holds %d further entries that are not in the backup: --etcd-binary names an etcd that can carry them out", made.Missing)
	}
	return a.Result(o.format, backup.FoundReport{Path: path, Metadata: made}, nil)
}

// here is where backups are of which no place is said and no cluster file says one. What
// a folder or endpoints give is kept there too: among a cluster's own it would be the newest,
// which is what is brought back, and it may be old, or another one's.
const here = "."

// take makes the archive, of a cluster or of a folder.
func (o backupOptions) take(ctx context.Context, a *app, r backup.Request) (string, backup.Metadata, error) {
	if o.endpoints.given() {
		at, err := o.endpoints.endpoints(ctx, a)
		if err = errors.Join(err, o.cluster.ReadVariables()); err != nil {
			return "", backup.Metadata{}, err
		}
		r.Cluster = o.cluster.Value("name")
		return at.Backup(ctx, cmp.Or(o.output, here), r)
	}
	c, err := o.cluster.Find(ctx, target.Working{})
	if err != nil {
		return "", backup.Metadata{}, err
	}
	defer c.Close()
	if o.dataDir == "" {
		path, made, err := c.Backup(ctx, o.output, r)
		return path, made, c.Unanswered(ctx, err)
	}
	program, err := target.EtcdFor(o.etcdBinary)
	if err != nil {
		return "", backup.Metadata{}, err
	}
	return c.BackupFolder(ctx, o.dataDir, cmp.Or(o.output, here), program, r)
}

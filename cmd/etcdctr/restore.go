package main

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cmd/internal/backupview"
	"github.com/etcdctr/etcdctr/cmd/internal/startup"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/runtime"
)

type restoreOptions struct {
	cluster  *target.Flags
	working  target.Working
	bump     uint64
	scratch  string
	yes      bool
	undo     bool
	discard  bool
	dryRun   bool
	at       string
	revision int64
	format   string
	secret   *target.Secrets
}

func newRestoreCommand(a *app) *cobra.Command {
	var o restoreOptions
	cmd := &cobra.Command{
		Use:   "restore [FILE|FOLDER]",
		Short: "Bring a cluster back from a backup",
		Long: `restore makes the cluster that the cluster file and the flags describe, of any
size, with what a backup holds: a new one, or one in the place of a cluster of this
name. It takes snapshots of ` + "`etcdctl snapshot save`" + ` too.

Of a folder, or s3://BUCKET/PREFIX, it takes the newest backup, and all that
` + "`etcdctr backup run`" + ` has kept of what happened after it. Without either that is the
destination in the cluster file, or else the current folder. --at or --revision brings
another moment back, beside a file too, and is refused where a part of what led
there is not known.

All members are made of the one snapshot, under a token that no cluster ever had.
The revision is raised by --bump-revision and counts as compacted, so that watchers
and caches notice that time went back; with 0 they wait for what they take for old.
An etcd that is older than the data is refused. Before it is called restored, all
members serve, hold the same, and no alarm of before is left.

What is there is shown, and replaced once the cluster's name is typed, or with
--yes. The data of before is set aside; --undo brings it back. --dry-run reads the
backup, prints the steps, and does nothing; with --undo it tells what comes back.

--discard deletes for good what restore, recover and member replace have set aside,
of all members: it is shown first, --dry-run shows it alone, and it is refused while
the cluster is not healthy or a restoration was not finished.`,
		Example: `  etcdctr restore orders-20261128T120000Z.tar.zst
  etcdctr restore --dry-run orders-20261128T120000Z.tar.zst
  etcdctr restore --at 2026-11-28T12:34:56Z
  etcdctr restore /backups --revision 4711
  etcdctr restore --members 5 --name rehearsal orders-20261128T120000Z.tar.zst
  etcdctr restore --undo && etcdctr up
  etcdctr restore --discard`,
		Args: typed.AtMost("FILE|FOLDER"),
		RunE: with(a, &o, runRestore),
	}
	o.addTo(a, cmd, "replace, or delete, what is there without asking")
	flags := cmd.Flags()
	flags.StringVar(&o.at, "at", "", "time of the moment to bring back, such as 2026-11-28T12:34:56Z")
	flags.Int64Var(&o.revision, "revision", 0, "revision of the moment to bring back")
	flags.BoolVar(&o.undo, "undo", false, "bring back the data that the last restore has set aside, and start nothing")
	flags.BoolVar(&o.discard, "discard", false, "delete for good what was set aside")
	return cmd
}

// addTo gives cmd the flags of what makes members anew.
func (o *restoreOptions) addTo(a *app, cmd *cobra.Command, yes string) {
	o.cluster = a.Describing(cmd)
	target.AddRuntime(cmd)
	typed.AddProgress(cmd, &o.working.Progress)
	typed.AddFormat(cmd, &o.format)
	typed.AddDryRun(cmd, &o.dryRun)
	o.secret = a.Secrets(cmd)
	flags := cmd.Flags()
	flags.Uint64Var(&o.bump, "bump-revision", backup.DefaultBump, "what the revision is raised by; 0 leaves it as it was")
	flags.StringVar(&o.scratch, "scratch", os.TempDir(), "folder with room for the database")
	flags.BoolVar(&o.yes, "yes", false, yes)
}

func runRestore(ctx context.Context, a *app, o restoreOptions, args []string) error {
	if asked := slices.DeleteFunc([]bool{len(args) == 1, o.undo, o.discard}, func(is bool) bool { return !is }); len(asked) > 1 {
		return usage(errNothingToRestore)
	}
	at, err := backup.ReadMoment(o.at, o.revision)
	if err != nil {
		return usage(err)
	}
	var may consent
	if o.discard && !o.dryRun {
		if may, err = a.consent("--discard", o.yes); err != nil {
			return err
		}
	}
	startup.Over() // what is streamed is garbage at once
	o.working.Founds, o.working.Phases = !o.discard, true
	c, err := o.cluster.Find(ctx, o.working)
	if err != nil {
		return err
	}
	defer c.Close()
	switch {
	case o.undo && o.dryRun:
		f, err := c.PlanUndo(ctx)
		return backupview.UndoForecast(a.Console, c, f, o.format, err)
	case o.undo:
		return o.undoRestore(ctx, a, c)
	case o.discard && o.dryRun:
		all, err := c.Aside(ctx)
		return backupview.Aside(a.Console, c.Name(), all, o.format, err)
	case o.discard:
		return o.discardAside(ctx, a, c, may)
	}
	place, err := kept(ctx, c, args)
	if err != nil {
		return err
	}
	options, err := o.options(a, c, place)
	if err != nil {
		return err
	}
	options.At = at
	if o.dryRun {
		f, err := c.PlanRestore(ctx, place, options)
		c.Board.Close()
		if err == nil {
			c.SayPlanned()
			backupview.Continued(a.Console, c.Spec(), f.There.By.Cluster)
		}
		return backupview.Forecast(a.World, f, o.format, err)
	}
	restored, err := c.Restore(ctx, place, options)
	c.Board.Close()
	return backupview.Restored(ctx, a.World, c, o.format, restored, err)
}

var errNothingToRestore = errors.New("restore takes a backup or a folder of them, or --undo, or --discard")

// kept is what is brought back: what is given, or else what is where the backups go. Where
// nobody says where, that is the current folder, if it has a backup of this cluster: one of
// another is brought back only by its name.
func kept(ctx context.Context, c *target.Found, args []string) (string, error) {
	if len(args) == 1 {
		return args[0], nil
	}
	if at := c.BackupsAt(); at != "" {
		return target.ShortPath(at), nil
	}
	if c.Spec().Backup.Destination == "" && areHere(ctx, c.Name()) {
		return here, nil
	}
	return "", withHint(usage(errNothingToRestore), "without one it is the backup.destination of the cluster file, or else the current folder, which has no backup of %s", c.Name())
}

// areHere tells whether the current folder has a whole backup of a cluster.
func areHere(ctx context.Context, name string) bool {
	s, err := backup.OpenStore(here)
	if err != nil {
		return false
	}
	all, err := backup.List(ctx, s)
	if err != nil {
		return false
	}
	_, found := backup.Newest(all, name)
	return found
}

func (o restoreOptions) options(a *app, c *target.Found, place string) (etcdctr.RestoreOptions, error) {
	secret, err := o.secret.Read(place)
	say := func(what string) { a.Say("%s", what) }
	shown := &backupview.Phases{Console: a.Console, Board: c.Board}
	options := etcdctr.RestoreOptions{
		Bump: o.bump, Scratch: o.scratch, Secret: secret, Consent: a.consentToReplace(o.yes), Tell: shown.Tell, Detail: shown.Detail, Warn: say,
	}
	if o.working.Progress == terminal.Quiet {
		options.Tell, options.Detail = nil, nil
	}
	asIs := func(value string) string { return value }
	options.Flags = append(target.FlagsAgain(o.cluster, asIs), target.FlagsAgain(o.cluster, asIs, "bump-revision", "scratch", "identity-file", "passphrase-file")...)
	return options, err
}

// undoRestore asks before it stops members: what they hold by now is set aside.
func (o restoreOptions) undoRestore(ctx context.Context, a *app, c *target.Found) error {
	undone, err := c.Undo(ctx, func(ctx context.Context) error {
		if o.yes {
			return nil
		}
		a.Say("%s runs: its members stop, and what was written since the restoration is set aside", c.Name())
		return a.confirm(ctx, c.Name())
	})
	return backupview.Undone(a.Console, c, undone, o.format, err)
}

// discardAside asks before it deletes what was set aside.
func (o restoreOptions) discardAside(ctx context.Context, a *app, c *target.Found, may consent) error {
	gone, err := c.Discard(ctx, func(ctx context.Context, all []runtime.Aside) error {
		return may(ctx, c.Name(), backupview.Places(all))
	})
	c.Board.Close()
	return backupview.Discarded(a.Console, c.Name(), gone, o.format, err)
}

// consentToReplace says what is there and what takes its place, and asks.
func (a *app) consentToReplace(yes bool) func(ctx context.Context, there backup.There) error {
	return func(ctx context.Context, there backup.There) error {
		backupview.There(a.Console, there)
		if yes {
			return nil
		}
		return a.confirm(ctx, there.Name)
	}
}

// confirm asks for the cluster's name before its data is replaced.
func (a *app) confirm(ctx context.Context, name string) error {
	if !a.Person() {
		return usage(errors.New("there is no terminal to ask on whether it may be replaced: --yes says so"))
	}
	return a.AskName(ctx, name)
}

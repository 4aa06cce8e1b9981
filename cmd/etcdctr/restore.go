package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/cmd/internal/planview"
	"github.com/etcdctr/etcdctr/cmd/internal/startup"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

type restoreOptions struct {
	cluster   *target.Flags
	working   target.Working
	bump      uint64
	scratch   string
	yes, undo bool
	dryRun    bool
	at        string
	revision  int64
	format    string
	secret    *secretFlags
}

func newRestoreCommand(a *app) *cobra.Command {
	var o restoreOptions
	cmd := &cobra.Command{
		Use:   "restore FILE|FOLDER",
		Short: "Bring a cluster back from a backup",
		Long: `restore makes the cluster that the cluster file and the flags describe, of any
size, with what a backup holds: a new one, or one in the place of a cluster of this
name. It takes snapshots of ` + "`etcdctl snapshot save`" + ` too.

Of a folder, or s3://BUCKET/PREFIX, it takes the newest backup, and all that
` + "`etcdctr backup run`" + ` has kept of what happened after it. --at or --revision brings
another moment back, beside a file too, and is refused where a part of what led
there is not known.

All members are made of the one snapshot, under a token that no cluster ever had.
The revision is raised by --bump-revision and counts as compacted, so that watchers
and caches notice that time went back; with 0 they wait for what they take for old.
An etcd that is older than the data is refused. Before it is called restored, all
members serve, hold the same, and no alarm of before is left.

What is there is shown, and replaced once the cluster's name is typed, or with
--yes. The data of before is set aside; --undo brings it back. --dry-run reads the
backup, prints the steps, and does nothing.`,
		Example: `  etcdctr restore orders-20261128T120000Z.tar.zst
  etcdctr restore --dry-run orders-20261128T120000Z.tar.zst
  etcdctr restore /backups --at 2026-11-28T12:34:56Z
  etcdctr restore --members 5 --name rehearsal orders-20261128T120000Z.tar.zst
  etcdctr restore --undo && etcdctr up`,
		Args: typed.AtMost("ARCHIVE"),
		RunE: with(a, &o, runRestore),
	}
	o.cluster = a.Describing(cmd)
	target.AddRuntime(cmd)
	typed.AddProgress(cmd, &o.working.Progress)
	typed.AddFormat(cmd, &o.format)
	o.secret = addSecretFlags(cmd)
	flags := cmd.Flags()
	flags.Uint64Var(&o.bump, "bump-revision", backup.DefaultBump, "what the revision is raised by; 0 leaves it as it was")
	flags.StringVar(&o.scratch, "scratch", os.TempDir(), "folder with room for the database")
	flags.BoolVar(&o.yes, "yes", false, "replace what is there without asking")
	typed.AddDryRun(cmd, &o.dryRun)
	flags.StringVar(&o.at, "at", "", "time of the moment to bring back, such as 2026-11-28T12:34:56Z")
	flags.Int64Var(&o.revision, "revision", 0, "revision of the moment to bring back")
	flags.BoolVar(&o.undo, "undo", false, "bring back the data that the last restore has set aside, and start nothing")
	return cmd
}

func runRestore(ctx context.Context, a *app, o restoreOptions, args []string) error {
	if o.undo == (len(args) == 1) {
		return usage(errors.New("restore takes a backup or a folder of them, or --undo"))
	}
	if o.undo && o.dryRun {
		return usage(errors.New("--undo asks before it stops anything: leave --dry-run out"))
	}
	at, err := o.moment()
	if err != nil {
		return usage(err)
	}
	startup.Over() // what is streamed is garbage at once
	o.working.Founds = true
	c, err := o.cluster.Find(ctx, o.working)
	if err != nil {
		return err
	}
	defer c.Close()
	if o.undo {
		return o.undoRestore(ctx, a, c)
	}
	options, err := o.options(a, args[0])
	if err != nil {
		return err
	}
	options.At = at
	if o.dryRun {
		f, err := c.PlanRestore(ctx, args[0], options)
		c.Board.Close()
		if err == nil {
			c.SayPlanned()
			a.sayBackups(c.Spec(), f.There.By.Cluster)
		}
		return a.printForecast(o, f, err)
	}
	restored, err := c.Restore(ctx, args[0], options)
	c.Board.Close()
	return a.sayRestored(ctx, c, o, restored, err)
}

// moment is the one that is asked for.
func (o restoreOptions) moment() (backup.Moment, error) {
	if o.at == "" || o.revision != 0 {
		if o.at != "" || o.revision < 0 {
			return backup.Moment{}, errors.New("give --at TIME or --revision NUMBER, which is from 1 on, and not both")
		}
		return backup.Moment{Revision: o.revision}, nil
	}
	at, err := time.Parse(time.RFC3339, o.at)
	if err != nil {
		return backup.Moment{}, fmt.Errorf("--at must be a time such as 2026-11-28T12:34:56Z, not %q", o.at)
	}
	return backup.Moment{Time: at}, nil
}

func (o restoreOptions) options(a *app, place string) (etcdctr.RestoreOptions, error) {
	secret, err := o.secret.read(a, place)
	say := func(what string) { a.Say("%s", what) }
	options := etcdctr.RestoreOptions{
		Bump: o.bump, Scratch: o.scratch, Secret: secret, Consent: a.consentToReplace(o.yes), Tell: say, Warn: say,
	}
	if o.working.Progress == terminal.Quiet {
		options.Tell = nil
	}
	asIs := func(value string) string { return value }
	options.Flags = append(target.FlagsAgain(o.cluster, asIs), target.FlagsAgain(o.cluster, asIs, "bump-revision", "scratch", "identity-file", "passphrase-file")...)
	return options, err
}

// sayRestored tells what has become of a restoration.
func (a *app) sayRestored(ctx context.Context, c *target.Found, o restoreOptions, restored backup.Restored, err error) error {
	a.sayAside(o.cluster, restored.Aside)
	if errors.As(err, new(*etcdctr.UsersError)) {
		err = withHint(err, "`%s` makes them so: until then etcd goes by those of the backup, or by none", upInBackground(c, o.cluster))
		return hints.Interrupted(ctx, err, "%s has what was brought back, but for etcd's users: `%s` makes them as described", c.Name(), upInBackground(c, o.cluster))
	}
	if err != nil && ctx.Err() != nil {
		return hints.Interrupted(ctx, err, "%s", o.leftAt(context.WithoutCancel(ctx), c, restored))
	}
	if len(restored.Aside) > 0 {
		err = withHint(err, "`etcdctr doctor` names the cause; restore can be run again, and `%s && %s` brings the former cluster back",
			o.cluster.Again("restore", "--undo"), upInBackground(c, o.cluster))
	}
	if err != nil {
		return err
	}
	if restored.Overfull {
		a.Warn("its database takes more than quota-backend-bytes, and etcd refuses the first write: a larger one lets it go on")
	}
	a.Say("%s is restored: revision %d, %s of %s", c.Name(), restored.Revision, restored.Metadata.Time.Format(time.RFC3339), orUnknown(restored.Metadata.Cluster))
	a.sayBackups(c.Spec(), restored.Metadata.Cluster)
	return a.Result(o.format, restored, nil)
}

// leftAt says where a restoration was left, and what leads on from there.
func (o restoreOptions) leftAt(ctx context.Context, c *target.Found, restored backup.Restored) string {
	switch ended, err := c.RestoreEnded(ctx, restored); {
	case err != nil:
		return fmt.Sprintf("how %s was left can't be seen (%v): `%s` tells", c.Name(), err, o.cluster.Again("doctor"))
	case ended.Bare:
		return fmt.Sprintf("nothing of %s is there: the same command begins anew", c.Name())
	case ended.Placed:
		return fmt.Sprintf("%s has what was brought back, and it was not waited until it serves: `%s` does that", c.Name(), upInBackground(c, o.cluster))
	case ended.Unfinished != nil:
		return hints.Of(hints.For("restore", ended.Unfinished))
	}
	return fmt.Sprintf("%s has the data that it had before: the same command begins anew", c.Name())
}

// sayBackups tells what becomes of the backups of a cluster that begins with those of
// another one.
func (a *app) sayBackups(spec cluster.Spec, of string) {
	switch name, to := spec.ClusterName(), spec.Backup.Destination; {
	case spec.BackupsOf() != "":
		a.Say("the backups in the cluster file are those of %s: %s takes none", spec.BackupsOf(), name)
	case to != "" && of != "" && of != name:
		a.Say("backups of %s go to %s; those of %s there, if any, are kept and deleted by themselves", name, to, of)
	}
}

// sayAside tells where the data of before is.
func (a *app) sayAside(flags *target.Flags, aside map[string]string) {
	for _, server := range slices.Sorted(maps.Keys(aside)) {
		a.Say("the former data of %s is in %s", server, aside[server])
	}
	if len(aside) > 0 {
		a.Say("`%s` brings it back; delete it once nobody needs it", flags.Again("restore", "--undo"))
	}
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
	switch {
	case errors.Is(err, backup.ErrUndone):
		a.Say("%v", err)
		a.Say("`%s` starts %s", upInBackground(c, o.cluster), c.Name())
		return nil
	case err != nil:
		return err
	}
	for _, server := range slices.Sorted(maps.Keys(undone.Back)) {
		a.Say("%s has the data again that was kept in %s", server, undone.Back[server])
	}
	if undone.Unfinished {
		a.Say("the restoration was not finished, and what it had made is deleted: all members have what they had before")
	} else {
		a.Say("what they held until now is set aside in turn: another `%s` brings that back, once %s was started", o.cluster.Again("restore", "--undo"), c.Name())
	}
	a.Say("`%s` starts %s", upInBackground(c, o.cluster), c.Name())
	return nil
}

// upInBackground is the command that starts a cluster and ends.
func upInBackground(c *target.Found, flags *target.Flags) string {
	if c.Holds() {
		return flags.Again("up", "--detach")
	}
	return flags.Again("up")
}

// consentToReplace says what is there and what takes its place, and asks.
func (a *app) consentToReplace(yes bool) func(ctx context.Context, there backup.There) error {
	return func(ctx context.Context, there backup.There) error {
		a.sayThere(there)
		if yes {
			return nil
		}
		return a.confirm(ctx, there.Name)
	}
}

// sayThere says what is there and what takes its place.
func (a *app) sayThere(there backup.There) {
	running := "nothing of it runs"
	if len(there.Running) > 0 {
		running = strings.Join(there.Running, ", ") + " run"
	}
	a.Say("%s is there: %s, with data of %s", there.Name, running, orUnknown(strings.Join(there.Data, ", ")))
	switch by := there.By; {
	case by.Revision == 0:
		a.Say("its data is set aside, and replaced by that of the member that knows most")
	case by.Time.IsZero():
		a.Say("its data is set aside, and replaced by that of the member that knows most, of those that run %s with revision %d", by.From, by.Revision)
	default:
		a.Say("its data is set aside, and replaced by that of %s of %s, revision %d",
			orUnknown(by.Cluster), by.Time.Format(time.RFC3339), by.Revision)
		a.sayLost(there)
	}
}

// sayLost says what of a cluster a backup does not have.
func (a *app) sayLost(there backup.There) {
	by := there.By
	const where = "be in the data that is set aside, and nowhere else"
	switch span := a.Now().Sub(by.Time).Round(time.Second); {
	case there.Revision == 0:
		a.Say("%s can't say what it holds now: what came after revision %d, %s ago, would %s", there.Name, by.Revision, span, where)
	case there.Another:
		a.Say("%s holds revision %d now, and is another cluster than that of the backup, restored or founded since: what was written to it would %s", there.Name, there.Revision, where)
	case there.Revision > by.Revision:
		lost := "1 revision"
		if n := there.Revision - by.Revision; n > 1 {
			lost = fmt.Sprintf("%d revisions", n)
		}
		a.Say("%s holds revision %d now: what came after %d, %s in %s, would %s", there.Name, there.Revision, by.Revision, lost, span, where)
	}
}

// printForecast tells what a restoration would do.
func (a *app) printForecast(o restoreOptions, f backup.Forecast, err error) error {
	if o.format == typed.JSONFormat {
		return cmp.Or(a.PrintJSON(f.Steps.Report()), err)
	}
	if err != nil {
		return err
	}
	if f.There.Name != "" {
		a.sayThere(f.There)
	}
	planview.Print(a.Out, f.Steps, a.Tint)
	a.SayTakes(f.Steps)
	return nil
}

// confirm asks for the cluster's name before its data is replaced.
func (a *app) confirm(ctx context.Context, name string) error {
	if !a.Person() {
		return usage(errors.New("there is no terminal to ask on whether it may be replaced: --yes says so"))
	}
	return a.AskName(ctx, name)
}

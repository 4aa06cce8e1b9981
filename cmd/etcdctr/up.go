package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/adopt"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/cmd/internal/planview"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/logs"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/local"
)

type upOptions struct {
	cluster     *clusterFlags
	fileCompose string
	working     working
	waitTimeout time.Duration
	dryRun      bool
	keep        bool
	detach      bool
	volumes     bool
	yes         bool
	clients     string
	format      string
}

func newUpCommand(a *app) *cobra.Command {
	var o upOptions
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the cluster, or bring it to what is wanted now",
		Long: `up makes a cluster what the flags and the cluster file describe, whatever it is
now, and returns once every member answers. On a Docker Engine it runs exactly
the project that ` + "`etcdctr compose`" + ` prints and needs neither the docker command
nor Compose.

Where no engine of this machine answers, or with --runtime process, the members
are processes of this machine: children of this command, which shows what they
say until Ctrl-C stops them, or in the background with -d, and from then on
without it. They run the etcd inside this program unless --etcd-binary names
another. All other commands work on them as they do on containers. An engine
elsewhere, by DOCKER_HOST or a Docker context, that does not answer is an error.

Run again, it changes what has to be changed and nothing else. Members come and
go one at a time, members whose settings differ are restarted one at a time while
the others keep the quorum, the leader last and after another one leads, and a
release of etcd is reached by way of those in between. What was given by flags
before is recalled. --dry-run prints the steps, why each is taken and what clients
notice. Whatever stops it in the middle, the next up goes on. A first start that
fails says why, and takes away what it has created and nothing else. The data of
members that are not wanted any more stays, unless --volumes deletes it: on a
terminal that asks for the cluster's name, and elsewhere it takes --yes.`,
		Example: `  etcdctr up
  etcdctr up --members 5 --publish loopback --dry-run
  etcdctr up --runtime process -d
  etcdctr up --file-compose docker-compose.yml`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runUp),
	}
	o.cluster = addClusterFlags(cmd)
	addProgressFlag(cmd, &o.working.progress)
	flags := cmd.Flags()
	flags.StringVar(&o.fileCompose, fileComposeFlag, "", "start this file, made by etcdctr compose, instead of what the flags describe")
	addPullFlag(cmd, &o.working.pull)
	flags.DurationVar(&o.waitTimeout, "wait-timeout", defaultWaitTimeout, "how long a member may take to answer, besides reading its data")
	addDryRunFlag(cmd, &o.dryRun)
	addRunByFlag(cmd)
	flags.BoolVarP(&o.detach, "detach", "d", false, "leave the members in the background, where containers are in any case")
	flags.String("etcd-binary", "", "etcd to run in processes instead of the one inside this program; {minor} stands for "+fmt.Sprintf("3.%d, {release} for %s", cluster.NewestMinor, cluster.DefaultVersion))
	flags.Var(&typed.Choice{Value: &o.clients, Of: []string{string(converge.Both), string(converge.Moved)}}, "clients",
		"where --tls goes over from none to mutual, or back: both has members answer with and without TLS, moved ends that")
	flags.BoolVar(&o.keep, "keep", false, "leave what a failed first start has created, to look at it")
	flags.BoolVar(&o.volumes, "volumes", false, "delete the data of members that are not wanted any more")
	flags.BoolVar(&o.yes, "yes", false, "delete it without asking")
	addFormatFlag(cmd, &o.format)
	return cmd
}

const fileComposeFlag = "file-compose"

// defaultWaitTimeout is how long a member may take to answer.
const defaultWaitTimeout = time.Minute

func runUp(ctx context.Context, a *app, o upOptions, _ []string) error {
	if o.fileCompose != "" {
		if o.cluster.cmd.Flag("runtime").Value.String() == string(cluster.Process) {
			return usage(errors.New("--file-compose needs a Docker Engine: leave out --runtime process"))
		}
		if o.volumes {
			return usage(errors.New("--volumes goes with a description, not with --file-compose"))
		}
		return o.upFile(ctx, a)
	}
	var may consent
	if o.volumes && !o.dryRun {
		var err error
		if may, err = a.consent(o.yes); err != nil {
			return err
		}
	}
	o.working.with.Wait, o.working.founds = o.waitTimeout, true
	if !o.detach && !o.dryRun {
		o.working.with.Foreground = a.foreground()
		o.working.with.Foreground.Anyway = o.cluster.cmd.Flags().Changed("detach")
	}
	c, err := o.cluster.find(ctx, a, o.working)
	if err != nil {
		return err
	}
	defer c.close()
	change := etcdctr.Change{Verb: converge.Up, Keep: o.keep, Wait: o.waitTimeout, Clients: converge.Clients(o.clients), Data: o.volumes}
	if o.dryRun {
		return a.printPlan(ctx, c, change, o.format)
	}
	if may != nil {
		change.Consent = func(ctx context.Context, losses []string) error { return may(ctx, c.name(), losses) }
	}
	if err := c.carryOut(ctx, a, o.cluster, change); err != nil {
		return errors.Join(err, c.Emptied())
	}
	struck, err := adopt.Settle(ctx, c.Cluster, cmp.Or(o.cluster.file, defaultClusterFile))
	a.sayStruck(struck)
	if err != nil {
		return err
	}
	if err := o.cluster.warnOfComposeFile(ctx, a, c); err != nil {
		return err
	}
	lost := hints.For("up", c.Lost(ctx))
	if lost != nil && o.working.with.Foreground != nil {
		a.fail(lost)
	}
	return errors.Join(a.stay(ctx, c, o.working.with.Foreground), lost)
}

// sayStruck tells what was taken out of the cluster file, as it is about members that are
// adopted by now.
func (a *app) sayStruck(lines []string) {
	for _, line := range lines {
		a.say("the line %s is taken out of the cluster file: what it was about is adopted", line)
	}
}

// foreground shows what the members say that end with this command.
func (a *app) foreground() *local.Foreground {
	lines := terminal.NewLines(a.out, a.now)
	return &local.Foreground{
		Output: func(l runtime.Line) { lines.Print(logs.Read(l.Server, l.Text, l.Time)) },
		Happened: func(e local.Happening) {
			text := e.String()
			if e.Member != "" {
				text = e.Member + ": " + text
			}
			if e.Alarming() {
				a.warn("%s", text)
			} else {
				a.say("%s", text)
			}
		},
	}
}

// stay returns when members that are children of this command have ended.
func (a *app) stay(ctx context.Context, c *found, f *local.Foreground) error {
	if f != nil && f.Left() {
		a.say("it is in the background, as it was before: `etcdctr up --detach=false` has it end with the command")
	}
	if f == nil || !f.Runs() {
		return nil
	}
	a.say("Ctrl-C stops %s; `etcdctr up --detach` leaves it running", c.name())
	if err := f.Wait(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	a.say("%s was stopped", c.name())
	return nil
}

func addDryRunFlag(cmd *cobra.Command, dry *bool) {
	cmd.Flags().BoolVar(dry, "dry-run", false, "print what would be done, and do nothing: + is made, ~ is changed, - is taken away, and the rest only waits or looks")
}

// printPlan tells what would be done, and does nothing.
func (a *app) printPlan(ctx context.Context, c *found, change etcdctr.Change, format string) error {
	f, err := c.Forecast(ctx, change)
	if f.Endless != nil {
		defer a.say("%s", f.Endless)
	}
	if format == formatJSON {
		return cmp.Or(a.printJSON(f.Steps.Report()), err)
	}
	if err == nil || len(f.Steps) > 0 {
		a.sayPlanned(c)
	}
	for _, what := range f.Lacking {
		a.say("%s is not here yet, and would be fetched first", what)
	}
	if len(c.Recalled) > 0 {
		a.say("as it was started: %s", strings.Join(c.Recalled, ", "))
	}
	if err == nil && f.Idle() {
		a.say("%s is as wanted: nothing to do", c.name())
		return nil
	}
	warnAll(a, f.Warnings)
	if f.Emptied != nil {
		a.warn("%v", f.Emptied)
	}
	planview.Print(a.out, f.Steps, a.tint)
	a.sayOldCopies(f.OldCopies)
	c.sayKept(a, f.Kept)
	if err == nil && f.Endless == nil {
		a.sayTakes(f.Steps)
	}
	return err
}

// sayPlanned says whose plan it is that follows.
func (a *app) sayPlanned(c *found) {
	a.say("what would become of %s, runtime %s:", c.name(), c.Runtime().Name())
}

// sayKept says where the data stays of members that are taken away.
func (f *found) sayKept(a *app, kept []string) {
	for i, place := range kept {
		kept[i] = shortPath(place)
	}
	if len(kept) > 0 {
		a.say("the data of members that go stays, and nothing reads it any more: %s; `%s` deletes it", strings.Join(kept, ", "), f.flags.again("up", "--volumes"))
	}
}

func (a *app) sayTakes(steps converge.Steps) {
	if takes := steps.Takes().Round(time.Second); takes > 0 {
		a.say("about %s in all", takes)
	}
}

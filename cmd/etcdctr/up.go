package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/adopt"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/converge"
)

type upOptions struct {
	cluster     *target.Flags
	fileCompose string
	working     target.Working
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
say from when they serve until Ctrl-C stops them, and of what they say before only
errors; or in the background with -d, and from then on without it. They run the etcd inside this program unless --etcd-binary names
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
	o.cluster = a.Describing(cmd)
	typed.AddProgress(cmd, &o.working.Progress)
	flags := cmd.Flags()
	flags.StringVar(&o.fileCompose, target.FileCompose, "", "start this file, made by etcdctr compose, instead of what the flags describe")
	typed.AddPull(cmd, &o.working.Pull)
	flags.DurationVar(&o.waitTimeout, "wait-timeout", target.Wait, "how long a member may take to answer, besides reading its data")
	typed.AddDryRun(cmd, &o.dryRun)
	target.AddRunBy(cmd)
	flags.BoolVarP(&o.detach, "detach", "d", false, "leave the members in the background, where containers are in any case")
	target.AddEtcdBinary(cmd)
	flags.Var(&typed.Choice{Value: &o.clients, Of: []string{string(converge.Both), string(converge.Moved)}}, "clients",
		"where --tls goes over from none to mutual, or back: both has members answer with and without TLS, moved ends that")
	flags.BoolVar(&o.keep, "keep", false, "leave what a failed first start has created, to look at it")
	flags.BoolVar(&o.volumes, "volumes", false, "delete the data of members that are not wanted any more")
	flags.BoolVar(&o.yes, "yes", false, "delete it without asking")
	typed.AddFormat(cmd, &o.format)
	return cmd
}

func runUp(ctx context.Context, a *app, o upOptions, _ []string) error {
	if o.fileCompose != "" {
		if said := cluster.Runtime(o.cluster.Value("runtime")); said.RunsPrograms() {
			return usage(fmt.Errorf("--file-compose needs a Docker Engine: leave out --runtime %s", said))
		}
		if o.volumes {
			return usage(errors.New("--volumes goes with a description, not with --file-compose"))
		}
		return o.upFile(ctx)
	}
	var may consent
	if o.volumes && !o.dryRun {
		var err error
		if may, err = a.consent("--volumes", o.yes); err != nil {
			return err
		}
	}
	o.working.With.Wait, o.working.Founds = o.waitTimeout, true
	var members *target.Foreground
	if !o.detach && !o.dryRun {
		members = a.Foreground()
		members.Anyway = o.cluster.Changed("detach")
		o.working.With.Foreground = &members.Foreground
	}
	c, err := o.cluster.Find(ctx, o.working)
	if err != nil {
		return err
	}
	defer c.Close()
	change := etcdctr.Change{Verb: converge.Up, Keep: o.keep, Wait: o.waitTimeout, Clients: converge.Clients(o.clients), Data: o.volumes}
	if o.dryRun {
		return c.PrintPlan(ctx, change, o.format)
	}
	if may != nil {
		change.Consent = func(ctx context.Context, losses []string) error { return may(ctx, c.Name(), losses) }
	}
	if err := c.CarryOut(ctx, change); err != nil {
		return errors.Join(err, c.Emptied())
	}
	struck, err := adopt.Settle(ctx, c.Cluster, cmp.Or(o.cluster.File, target.DefaultFile))
	a.SayStruck(struck)
	if err != nil {
		return err
	}
	if err := c.WarnOfComposeFile(ctx); err != nil {
		return err
	}
	lost := hints.For("up", c.Lost(ctx))
	if lost != nil && members != nil && members.Runs() { // it is said again in the end
		a.Fail(lost)
	}
	return errors.Join(c.Stay(ctx, members), lost)
}

// upFile brings about what a Compose file says, which etcdctr has made.
func (o upOptions) upFile(ctx context.Context) error {
	o.working.With.Wait = o.waitTimeout
	c, err := o.cluster.FindFile(ctx, o.fileCompose, o.working)
	if err != nil {
		return err
	}
	defer c.Close()
	change := etcdctr.Change{Verb: converge.Up, Keep: o.keep, Wait: o.waitTimeout}
	if o.dryRun {
		return c.PrintPlan(ctx, change, o.format)
	}
	return c.CarryOut(ctx, change)
}

package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/adopt"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/adoptview"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/internal/listed"
	"github.com/etcdctr/etcdctr/runtime/docker"
	"github.com/etcdctr/etcdctr/runtimes"
)

type adoptOptions struct {
	cluster   *target.Flags
	working   target.Working
	theirEtcd string
	scratch   string
	dryRun    bool
	yes       bool
	forget    bool
	format    string
}

func newAdoptCommand(a *app) *cobra.Command {
	var o adoptOptions
	cmd := &cobra.Command{
		Use:   "adopt [SOURCE]...",
		Short: "Take over a running or stopped etcd that something else has started, with its data",
		Long: `adopt describes members of etcd that something else has started as a cluster of
etcdctr's, and takes them over with all they hold. A SOURCE is a Compose project or
a container by name, running or stopped, a data folder of this machine with or
without a process on it, or a Compose file, a systemd unit or another file that
describes them.

It writes the cluster file, unless there is one, and says what will be done and differ,
and what lint will have against it still. Then it takes the way that interrupts least: each
member goes on in a new server with its data, or new members join and the old ones
leave, one at a time, with the quorum kept and the leader last. Where neither can be,
because nothing runs, or TLS begins, or the two can't reach each other, all are
stopped and new members are made of what the one that knows most holds. Keys,
revisions, leases and users are as they were.

--dry-run shows all that and does nothing. Without --yes it asks first. The old
containers and folders are kept, stopped, until --forget-old. Whatever stops it in
the middle, the next adopt goes on.

Once the file is there, health, etcdctl, backup and the others work on the members
as they are, also before they are adopted.`,
		Example: `  etcdctr adopt --dry-run shop
  etcdctr adopt --yes shop
  etcdctr adopt --tls mutual shop
  etcdctr adopt /var/lib/etcd
  etcdctr adopt --forget-old shop`,
		RunE: with(a, &o, runAdopt),
	}
	o.cluster = a.Describing(cmd)
	typed.AddProgress(cmd, &o.working.Progress)
	typed.AddPull(cmd, &o.working.Pull)
	typed.AddFormat(cmd, &o.format)
	flags := cmd.Flags()
	to := slices.DeleteFunc(cluster.ClosedChoiceOf("runtime").Takes(), func(word string) bool { return !cluster.Runtime(word).Adopts() })
	flags.Var(&typed.Choice{Value: new(string), Of: to}, "runtime", "what is to run the members: "+listed.Or(to)+" (default what runs them now)")
	flags.StringVar(&o.theirEtcd, "their-etcd", "", "etcd of the release that wrote the data, for its log (default the one that ran on it, or the one inside)")
	flags.StringVar(&o.scratch, "scratch", os.TempDir(), "folder with room for the data of all members, where it has to be copied")
	flags.BoolVar(&o.dryRun, "dry-run", false, "say what would be done, and do nothing")
	flags.BoolVar(&o.yes, "yes", false, "adopt, or delete what was adopted, without asking")
	flags.BoolVar(&o.forget, "forget-old", false, "delete the old containers and their volumes, once they were adopted")
	return cmd
}

func runAdopt(ctx context.Context, a *app, o adoptOptions, args []string) error {
	spec, mistakes, err := o.cluster.Read()
	if err == nil {
		err = usage(errors.Join(append(mistakes, cluster.Check(spec))...))
	}
	if err != nil {
		return err
	}
	o.working.Founds = true
	cs, e, err := o.cluster.Clusters(o.working)
	if err != nil {
		return err
	}
	defer e.Close()
	b := adopt.Beginning{Clusters: cs, Foreign: e.Foreign, Spec: spec, Sources: args, File: cmp.Or(o.cluster.File, target.DefaultFile)}
	if o.forget {
		return o.forgetOld(ctx, a, b)
	}
	if o.working.Pull != string(docker.PullAlways) {
		if b.Carried, err = runtimes.CarriedEtcd(); err != nil {
			return err
		}
	}
	adoption, err := adopt.Begin(ctx, b)
	if err != nil {
		return err
	}
	return o.adopt(ctx, a, e.Found(o.cluster, adoption.Cluster), adoption)
}

func (o adoptOptions) adopt(ctx context.Context, a *app, c *target.Found, adoption *adopt.Adoption) error {
	defer c.Board.Close()
	var err error
	if adoption.Program, err = target.EtcdFor(o.theirEtcd); err != nil {
		return err
	}
	adoption.Scratch, adoption.Wait, adoption.Now = o.scratch, target.Wait, a.Now
	adoption.Doing, adoption.Tell = func(action string) { a.Say("%s", action) }, c.ShowStep
	plan, err := adoption.Plan(ctx)
	if plan.Stack != nil {
		if err := adoptview.Plan(a.Console, adoption, plan, o.format, o.yes && !o.dryRun); err != nil {
			return err
		}
	}
	if err != nil || o.dryRun {
		return err
	}
	if !plan.Done {
		if err := o.consent(ctx, a, plan); err != nil {
			return err
		}
	}
	if err := adoption.Do(ctx, plan); err != nil {
		return c.Explained(ctx, err)
	}
	c.Board.Close()
	stack, err := adoption.Kept(ctx)
	if err != nil {
		return err
	}
	adoptview.Done(a.Console, stack, plan.Want)
	return c.WarnOfComposeFile(ctx)
}

func (o adoptOptions) consent(ctx context.Context, a *app, p adopt.Plan) error {
	switch {
	case o.yes:
		return nil
	case !a.Person():
		return usage(errors.New("there is no terminal to ask on whether they may be adopted: --yes says so, --dry-run only shows what would be done"))
	}
	return a.AskFor(ctx, "type the name of the new cluster to go on", p.Want.Name, "the name of the cluster, "+p.Want.Name, "nothing was touched")
}

// forgetOld deletes what was adopted.
func (o adoptOptions) forgetOld(ctx context.Context, a *app, b adopt.Beginning) error {
	stack, err := b.Retired(ctx)
	if errors.Is(err, adopt.ErrNotAdopted) {
		return withHint(err, "`%s` adopts it", etcdctr.Typed([]string{"adopt", stack.Name}))
	}
	if err != nil {
		return err
	}
	if !o.yes {
		if !a.Person() {
			return usage(errors.New("--forget-old deletes the old data for good, and there is no terminal to ask on: --yes says that it is meant"))
		}
		if err := a.askForName(ctx, stack.Name, []string{stack.Kept()}); err != nil {
			return err
		}
	}
	left, err := b.Forget(ctx)
	for _, l := range left {
		a.Say("%s is left: delete it once nobody needs it", l)
	}
	if err == nil && len(left) == 0 {
		a.Say("%s is gone", stack.Name)
	}
	return err
}

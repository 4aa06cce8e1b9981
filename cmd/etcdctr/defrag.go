package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/member"
)

type defragOptions struct {
	cluster *target.Flags
	all     bool
	format  string
}

func newDefragCommand(a *app) *cobra.Command {
	var o defragOptions
	cmd := &cobra.Command{
		Use:   "defrag [MEMBER…]",
		Short: "Give free pages of the databases back to the disk",
		Long: `defrag defragments the members, or those that are named, one by one: the leader
last, after another has taken over, and each only while all others serve and are in
step. A member answers nobody during its turn; clients that know all members see no
failure. Members of which less than half is free are left as they are, unless there
is --all.`,
		Example: `  etcdctr defrag
  etcdctr defrag etcd2 --all`,
		RunE: with(a, &o, runDefrag),
	}
	o.cluster = a.Finding(cmd)
	o.cluster.Bears = true
	typed.AddFormat(cmd, &o.format)
	cmd.Flags().BoolVar(&o.all, "all", false, "also members of which little is free")
	return cmd
}

func runDefrag(ctx context.Context, a *app, o defragOptions, names []string) error {
	c, err := o.cluster.Find(ctx, target.Working{})
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Choose(ctx, names...); err != nil {
		return err
	}
	done, err := c.Reclaim(ctx, member.Reclaiming{All: o.all, Members: names, Tell: a.sayReclaimed})
	if err != nil {
		return hints.Interrupted(ctx, err, "members that were done stay so: `%s` goes on with the others", o.cluster.Again(append([]string{"defrag"}, names...)...))
	}
	return a.Result(o.format, done, nil)
}

package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/member"
)

type defragOptions struct {
	cluster *clusterFlags
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
	o.cluster = addFindingFlags(cmd)
	o.cluster.bears = true
	addFormatFlag(cmd, &o.format)
	cmd.Flags().BoolVar(&o.all, "all", false, "also members of which little is free")
	return cmd
}

func runDefrag(ctx context.Context, a *app, o defragOptions, names []string) error {
	c, err := o.cluster.find(ctx, a, working{})
	if err != nil {
		return err
	}
	defer c.close()
	if _, err := c.Choose(ctx, names...); err != nil {
		return err
	}
	return c.WithMembers(ctx, func(members *member.Client) error {
		done, err := members.Reclaim(ctx, member.Reclaiming{All: o.all, Members: names, Tell: a.sayReclaimed})
		if err != nil {
			return interrupted(ctx, err, "members that were done stay so: `%s` goes on with the others", o.cluster.again(append([]string{"defrag"}, names...)...))
		}
		return a.result(o.format, done, nil)
	})
}

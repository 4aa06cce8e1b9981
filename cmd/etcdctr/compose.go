package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/files"
	"github.com/etcdctr/etcdctr/runtimes"
)

type composeOptions struct {
	files.ComposeOptions
	cluster *target.Flags
}

func newComposeCommand(a *app) *cobra.Command {
	var o composeOptions
	cmd := &cobra.Command{
		Use:   "compose",
		Short: "Print a Compose file, and make the certificates that it needs",
		Long: `compose prints a Compose file that starts the cluster: three members, mutual
TLS and no published port unless you say otherwise. The certificates it mounts
are made on the way, or reused if they still fit. Nothing but the file goes to
standard output.

With --for swarm, and with runtime: swarm in the cluster file, it is a stack file
for ` + "`docker stack deploy`" + `: every member needs its node there. What a stack
file can't say stands in its first lines; ` + "`etcdctr up`" + ` does that, too.

With --for v1 it is a file for docker-compose 1.27 to 1.29, the last of version 1,
which refuses what today's Compose reads.`,
		Example: `  etcdctr compose > docker-compose.yml && docker compose up -d --wait
  etcdctr compose --members 5 --profile production -o docker-compose.yml
  etcdctr compose --member etcd1 -o etcd1/docker-compose.yml
  etcdctr compose --publish loopback | docker compose -f - up -d
  etcdctr compose --for swarm -o stack.yml && docker stack deploy -c stack.yml etcd`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runCompose),
	}
	o.cluster = a.Describing(cmd)
	cmd.Flags().StringVar(&o.Member, "member", "", "only this member, for the machine that the cluster file gives it as host")
	cmd.Flags().StringVar(&o.EnvDir, "env-dir", "", "write one environment file a member into this folder and refer to them")
	cmd.Flags().Var(&typed.Choice{Value: &o.For, Of: []string{string(cluster.Swarm), files.Version1}}, "for", "what is to run the members other than today's Docker Compose: swarm or v1 (docker-compose 1.27 to 1.29)")
	cmd.Flags().StringVarP(&o.Output, "output", "o", "", "file to write instead of standard output")
	return cmd
}

func runCompose(ctx context.Context, a *app, o composeOptions, _ []string) error {
	if o.For != files.Version1 {
		o.cluster.Runtime = o.For
	}
	c, err := o.cluster.Resolve()
	if err != nil {
		return err
	}
	w, err := o.cluster.Files(c)
	if err != nil {
		return err
	}
	o.Warn = func(err error) { a.Warn("%v", err) }
	var there runtimes.There // empty for a swarm, and where nobody answers
	o.AsStarted = func(_ context.Context, c *cluster.Cluster, folder string) (*cluster.Cluster, error) {
		return target.OfMachine(o.cluster, c, func(ctx context.Context, e *target.Engines) (*cluster.Cluster, error) {
			there = e.There(ctx, c)
			if err := there.CheckFree(o.cluster.Dir(), folder); err != nil {
				return nil, err
			}
			if err := there.CheckHop(); err != nil {
				a.Warn("%v", err)
			}
			if err := there.CheckMembers(); err != nil {
				a.Warn("%v", err)
			}
			return there.AsStarted(ctx, folder)
		})
	}
	o.Own = func(_ context.Context, _ *cluster.Cluster, folder string) []string { return there.Published(folder) }
	file, err := w.Compose(ctx, c, o.ComposeOptions)
	if unfit := (*files.UnfitError)(nil); errors.As(err, &unfit) && unfit.Option != "" {
		return usage(fmt.Errorf("--%w", err))
	}
	if err != nil {
		return err
	}
	return a.Write(o.Output, file)
}

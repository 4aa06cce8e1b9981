package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/startup"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

type backupRunOptions struct {
	cluster *target.Flags
	metrics string
	once    bool
}

func newBackupRunCommand(a *app) *cobra.Command {
	var o backupRunOptions
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Back the cluster up at the times in its cluster file",
		Long: `run takes a backup whenever one is due, by the key backup of the cluster file, and
deletes those that no rule keeps. With continuous: true it also keeps all that
happens in between, so that the loss of a whole cluster costs some seconds, and
` + "`etcdctr restore --at`" + ` brings any moment back. Where changes were lost to it, a
whole backup closes the gap.

It goes on until it is told to end. What goes wrong is said and tried again. With
--once it takes a backup if one is due and ends, for who has a timer of their own.
--metrics-file is for the textfile collector of Prometheus' node exporter.`,
		Example: `  etcdctr backup run
  etcdctr backup run --metrics-file /var/lib/prometheus/node-exporter/etcdctr.prom
  etcdctr backup run --once`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runBackupRun),
	}
	o.cluster = a.Finding(cmd)
	cmd.Flags().StringVar(&o.metrics, "metrics-file", "", "file to write metrics to")
	cmd.Flags().BoolVar(&o.once, "once", false, "take one if it is due, and end")
	return cmd
}

func runBackupRun(ctx context.Context, a *app, o backupRunOptions, _ []string) error {
	startup.Over() // what is streamed is garbage at once
	c, err := o.cluster.Find(ctx, target.Working{})
	if err != nil {
		return err
	}
	defer c.Close()
	r, err := c.Runner(ctx)
	if err != nil {
		return err
	}
	r.MetricsFile = o.metrics
	r.Tell, r.Fail = func(what string) { a.Say("%s", what) }, a.Fail
	if !o.once {
		return r.Run(ctx)
	}
	taken, err := r.Once(ctx)
	if err == nil && !taken {
		a.Say("none is due")
	}
	return err
}

package main

import (
	"bytes"
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/backup"
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

It goes on until it is told to end, and goes by the cluster file as it is, also after it
was edited: where that can't be gone by, it says so, and what it said before counts on. What
goes wrong is said and tried again. With
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
	by := &described{flags: o.cluster}
	defer by.close()
	r, err := by.anew(ctx)
	if err != nil {
		return err
	}
	r.MetricsFile, r.Anew = o.metrics, by.anew
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

// described is what a cluster file describes that may be edited meanwhile.
type described struct {
	flags *target.Flags
	found []*target.Found // all so far: what is under way may still ask by one of before
	text  []byte          // of the file by which the last of them was found
}

// anew is the Runner of the cluster file as it is now; nil where that is as it was.
func (d *described) anew(ctx context.Context) (*backup.Runner, error) {
	if err := d.flags.ReadVariables(); err != nil {
		return nil, err
	}
	text, _, err := d.flags.FileText()
	if err != nil || len(d.found) > 0 && bytes.Equal(text, d.text) {
		return nil, err
	}
	c, err := d.flags.Find(ctx, target.Working{})
	if err != nil {
		return nil, err
	}
	r, err := c.Runner(ctx)
	if err != nil {
		c.Close()
		return nil, err
	}
	d.found, d.text = append(d.found, c), text
	return r, nil
}

func (d *described) close() {
	for _, c := range d.found {
		c.Close()
	}
}

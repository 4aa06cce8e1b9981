package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cmd/internal/healthview"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/dashboard"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtimes"
)

type dashboardOptions struct {
	cluster *target.Flags
	listen  string
	route   string
}

func newDashboardCommand(a *app) *cobra.Command {
	var o dashboardOptions
	cmd := &cobra.Command{
		Use:   "dashboard",
		Short: "Show the cluster as a page in a browser of this machine",
		Long: `dashboard looks at the members every five seconds and shows what it sees as a page:
who they are, curves of the last hour, what happened, who can reach them, and the
cause where something is wrong. It prints the page's address and goes on until
Ctrl-C.

The page is served on loopback only, below a path that nobody guesses, by the way
that connect takes: nothing is published, and nothing is loaded from elsewhere.`,
		Example: `  etcdctr dashboard
  etcdctr dashboard --listen 127.0.0.1:8379`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runDashboard),
	}
	o.cluster = a.Finding(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "address of the page on this machine; port 0 stands for any that is free")
	addRouteFlag(flags, &o.route)
	return cmd
}

func runDashboard(ctx context.Context, a *app, o dashboardOptions, _ []string) error {
	address, err := netip.ParseAddrPort(o.listen)
	if err != nil || !address.Addr().IsLoopback() {
		return usage(fmt.Errorf("--listen %q must be an address of this machine alone and a port, such as 127.0.0.1:8379", o.listen))
	}
	key, err := dashboard.NewKey(a.Random)
	if err != nil {
		return err
	}
	c, err := o.cluster.Find(ctx, target.Working{With: runtimes.Options{Route: o.route}, Progress: terminal.Quiet})
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Observe(ctx); errors.Is(err, runtime.ErrNotFound) {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address.String())
	if err != nil {
		return withHint(err, "choose another port with --listen, or leave it out for any that is free")
	}
	w := c.Watch(etcdctr.WatchOptions{})
	defer w.Leave()
	fmt.Fprintf(a.Out, "http://%s/%s/\n", l.Addr(), key)
	a.Say("this is the page of %s: Ctrl-C ends it", c.Name())
	return dashboard.Show(ctx, l, shownPage{dashboard.Of(w, o.cluster.Examination()), a}, a.Now, key)
}

// shownPage has the commands that are shown be about the cluster that is.
type shownPage struct {
	dashboard.Source
	app *app
}

func (r shownPage) Check(ctx context.Context) (health.Report, error) {
	report, err := r.Source.Check(ctx)
	return healthview.Retyped(r.app.Console, report), err
}

func (r shownPage) Diagnose(ctx context.Context) (dashboard.Diagnosis, error) {
	d, err := r.Source.Diagnose(ctx)
	d.Cause, d.ByHand = r.app.Voice.Retyped(d.Cause), r.app.Voice.Retyped(d.ByHand)
	return d, err
}

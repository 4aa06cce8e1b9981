package main

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/forward"
	"github.com/etcdctr/etcdctr/runtime/docker"
	"github.com/etcdctr/etcdctr/runtimes"
)

type connectOptions struct {
	cluster *target.Flags
	listen  string
	route   string
	format  string
}

func newConnectCommand(a *app) *cobra.Command {
	var o connectOptions
	cmd := &cobra.Command{
		Use:   "connect",
		Short: "Keep a way to the members open, and print how clients use it",
		Long: `connect listens on this machine, one port a member, and carries each connection
to the member until Ctrl-C. Nothing is published: on a Linux host it dials the
containers' addresses, and anywhere else it puts a relay on the stack's network
and goes through the Docker API. TLS is between the client and etcd.

What it prints on standard output are the variables that etcdctl reads; a Go
client takes the same endpoints and files.`,
		Example: `  etcdctr connect
  etcdctr connect --listen 127.0.0.1:0 --format json`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runConnect),
	}
	o.cluster = a.Finding(cmd)
	o.cluster.Bears = true
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", "127.0.0.1:2379", "address for the first member; the others follow in steps of 100, or on any free port with port 0")
	addRouteFlag(flags, &o.route)
	o.format = formatShell
	flags.Var(&typed.Choice{Value: &o.format, Of: []string{formatShell, typed.JSONFormat}}, "format",
		"shell for export commands, or json")
	return cmd
}

const formatShell = "shell"

// addRouteFlag adds the flag that chooses the way to the members.
func addRouteFlag(flags *pflag.FlagSet, route *string) {
	*route = docker.AutoRoute
	flags.Var(&typed.Choice{Value: route, Of: []string{docker.AutoRoute, docker.DirectRoute, docker.RelayRoute}}, "via",
		"direct to the containers' addresses, through a relay, or auto: direct where that works")
}

func runConnect(ctx context.Context, a *app, o connectOptions, _ []string) error {
	first, err := netip.ParseAddrPort(o.listen)
	if err != nil {
		return usage(fmt.Errorf("--listen %q must be an IP address and a port such as 127.0.0.1:2379", o.listen))
	}
	if !first.Addr().IsLoopback() {
		a.Warn("%s is reachable from other machines", first)
	}
	c, err := o.cluster.Find(ctx, target.Working{With: runtimes.Options{Route: o.route}})
	if err != nil {
		return err
	}
	defer c.Close()
	way, err := c.Connect(ctx)
	if err != nil {
		return err
	}
	defer a.CloseWay(way)
	if err := way.Idle(); err != nil {
		a.Warn("%v: %s", err, idleHelp(o.cluster, err))
	}
	access, err := forward.Reach(ctx, way, first, etcdctr.AdminClient)
	if err != nil {
		return err
	}
	defer access.Close()
	if access.Lasting {
		a.Say("the members of %s are reached from this machine: there is nothing to keep open", c.Name())
	}
	err = a.Result(o.format, cluster.Environment(access.Variables), func() {
		fmt.Fprintf(a.Out, "%s%s\n", compose.Shell(access.Variables), forward.GoClient(way.TLSMode()))
	})
	if err != nil || access.Lasting {
		return err
	}
	a.Say("connected to %s (%s): Ctrl-C ends it", c.Name(), routeOf(way))
	return access.Wait(ctx)
}

func routeOf(way *etcdctr.Connection) string {
	if way.Way.Direct {
		return "direct"
	}
	return "relay"
}

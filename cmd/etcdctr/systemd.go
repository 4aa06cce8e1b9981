package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/files"
	"github.com/etcdctr/etcdctr/runtimes"
)

type systemdOptions struct {
	files.UnitOptions
	cluster *target.Flags
	output  string
}

func newSystemdCommand(a *app) *cobra.Command {
	var o systemdOptions
	cmd := &cobra.Command{
		Use:   "systemd",
		Short: "Print a systemd unit and its environment file for each member",
		Long: `systemd prints, for each member, a hardened unit and its environment file, and
what makes the user that they run as. With hosts in the cluster file a unit
listens on its machine's address; otherwise all of them run on loopback of one
machine. The certificates that they need are made on the way. Where the cluster file
has the key backup, there is one more unit, which takes the backups.

A unit expects its environment file in /etc/etcd, its certificates (of certs, the
folder members/MEMBER) as /etc/etcd/CLUSTER-MEMBER, readable for the user etcd,
and etcdctr in /usr/local/bin. ` + "`etcdctr bundle`" + ` packs all that with the commands
to put it there.`,
		Example: `  etcdctr systemd -o units
  etcdctr systemd --member etcd1 --etcd-binary /usr/bin/etcd`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runSystemd),
	}
	o.cluster = a.Describing(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.Member, "member", "", "only this member's")
	flags.StringVar(&o.Etcd, "etcd-binary", "", "absolute path of an etcd on the machine, to run instead of the one inside "+files.Program)
	flags.StringVarP(&o.output, "output", "o", "", "folder to write the files into instead of standard output")
	return cmd
}

func runSystemd(ctx context.Context, a *app, o systemdOptions, _ []string) error {
	if o.Etcd != "" && !filepath.IsAbs(o.Etcd) {
		return usage(fmt.Errorf("--etcd-binary must be an absolute path on the members' machine, not %q", o.Etcd))
	}
	c, err := o.cluster.ResolveIn(cluster.UnderSystemd)
	if err != nil {
		return err
	}
	if err := runtimes.CheckCarried(c); err != nil && o.Etcd == "" {
		a.Warn("%v: --etcd-binary names an etcd on the machines", err)
	}
	w, err := o.cluster.Files(c)
	if err != nil {
		return err
	}
	o.Warn = func(err error) { a.Warn("%v", err) }
	units, err := w.Units(ctx, c, o.UnitOptions)
	if err != nil || o.output != "" {
		return cmp.Or(err, files.Write(o.output, units))
	}
	for i, f := range units {
		head := "# " + f.Name + "\n"
		if i > 0 {
			head = "\n" + head
		}
		if err := a.Write("", append([]byte(head), f.Data...)); err != nil {
			return err
		}
	}
	return nil
}

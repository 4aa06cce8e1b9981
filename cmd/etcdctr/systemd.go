package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

type systemdOptions struct {
	cluster    *clusterFlags
	member     string
	etcdBinary string
	output     string
}

// installedProgram is where units expect this program.
const installedProgram = "/usr/local/bin/etcdctr"

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
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runSystemd(cmd.Context(), a, o)
		},
	}
	o.cluster = addClusterFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.member, "member", "", "only this member's")
	flags.StringVar(&o.etcdBinary, "etcd-binary", "", "absolute path of an etcd on the machine, to run instead of the one inside "+installedProgram)
	flags.StringVarP(&o.output, "output", "o", "", "folder to write the files into instead of standard output")
	return cmd
}

func runSystemd(ctx context.Context, a *app, o systemdOptions) error {
	if o.etcdBinary != "" && !filepath.IsAbs(o.etcdBinary) {
		return usage(fmt.Errorf("--etcd-binary must be an absolute path on the members' machine, not %q", o.etcdBinary))
	}
	c, err := o.cluster.resolveIn(a, cluster.UnderSystemd)
	if err != nil {
		return err
	}
	part := c
	if o.member != "" {
		m, err := findMember(c, o.member)
		if err != nil {
			return err
		}
		part = c.Only(m.Name)
	}
	if err := a.prepare(ctx, c, o.cluster); err != nil {
		return err
	}
	files := compose.UnitFiles(part, unitProgram(o.etcdBinary))
	if o.member == "" {
		files = append(files, compose.BackupUnitFiles(c, installedProgram)...)
	}
	if o.output != "" {
		return writeFolder(o.output, files)
	}
	for i, f := range files {
		head := "# " + f.Name + "\n"
		if i > 0 {
			head = "\n" + head
		}
		if err := a.writeResult("", append([]byte(head), f.Data...)); err != nil {
			return err
		}
	}
	return nil
}

func unitProgram(etcdBinary string) string {
	if etcdBinary != "" {
		return etcdBinary
	}
	return installedProgram + " etcd"
}

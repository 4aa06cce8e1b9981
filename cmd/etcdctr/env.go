package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/compose"
)

func newEnvCommand(a *app) *cobra.Command {
	format := "env"
	cmd := &cobra.Command{
		Use:   "env MEMBER",
		Short: "Print one member's environment",
		Long: `env prints the environment of a member in its container. A member with a machine
of its own gets that of its systemd unit there, see systemd: its container's is
in its Compose file.`,
		Example: `  etcdctr env etcd1 > etcd1.env
  etcdctr env etcd2 --tls none --format json`,
		Args: typed.Exact("MEMBER"),
	}
	flags := a.Describing(cmd)
	cmd.Flags().Var(&typed.Choice{Value: &format, Of: []string{"env", formatShell, typed.JSONFormat}}, "format",
		"env for an environment file, shell for export commands, or json")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		c, err := flags.Resolve()
		if err == nil && c.SpansMachines() {
			c, err = flags.ResolveIn(cluster.UnderSystemd)
		}
		if err != nil {
			return err
		}
		m, err := c.Member(args[0])
		if err != nil {
			return err
		}
		if err := flags.Described(c.Spec, "").KeepToken(c); err != nil {
			return err
		}
		return a.Result(format, cluster.Environment(m.Variables()), func() {
			text := compose.EnvFile(m)
			if format == formatShell {
				text = compose.ShellFile(m)
			}
			fmt.Fprintf(a.Out, "%s", text)
		})
	}
	return cmd
}

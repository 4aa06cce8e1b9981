package main

import (
	"encoding/json"

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
	flags := addClusterFlags(cmd)
	cmd.Flags().Var(&typed.Choice{Value: &format, Of: []string{"env", "shell", "json"}}, "format",
		"env for an environment file, shell for export commands, or json")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		c, err := flags.resolve(a)
		if err == nil && c.SpansMachines() {
			c, err = flags.resolveIn(a, cluster.UnderSystemd)
		}
		if err != nil {
			return err
		}
		m, err := c.Member(args[0])
		if err != nil {
			return err
		}
		if err := a.described(flags, c.Spec, "").KeepToken(c); err != nil {
			return err
		}
		data, err := renderEnv(m, format)
		if err != nil {
			return err
		}
		return a.writeResult("", data)
	}
	return cmd
}

func renderEnv(m cluster.Member, format string) ([]byte, error) {
	switch format {
	case "shell":
		return compose.ShellFile(m), nil
	case formatJSON:
		env := map[string]string{}
		for _, v := range m.Variables() {
			env[v.Name] = v.Value
		}
		data, err := json.MarshalIndent(env, "", "  ")
		return append(data, '\n'), err
	default:
		return compose.EnvFile(m), nil
	}
}

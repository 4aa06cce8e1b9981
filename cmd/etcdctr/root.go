package main

import (
	"github.com/spf13/cobra"
)

// newRootCommand assembles the command line; each verb is a file of its own.
func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "etcdctr",
		Short: "Describe, build, start, prove and look after etcd clusters in containers",
		Long: `etcdctr describes, builds, starts, proves and looks after etcd clusters in
containers. The shortest way to a cluster:

    etcdctr compose > docker-compose.yml
    docker compose up -d --wait`,
		SilenceErrors: true, // run prints them, in one voice
		SilenceUsage:  true,
		// The completion command is ours to place, see newCompletionCommand.
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.errOut)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.AddCommand(
		newComposeCommand(a),
		newEnvCommand(a),
		newVersionCommand(a),
	)
	return root
}

package main

import (
	"fmt"
	"strings"

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
		Args:          cobra.ArbitraryArgs, // what is no command comes to RunE
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.errOut)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.AddCommand(
		newBundleCommand(a),
		newCertsCommand(a),
		newComposeCommand(a),
		newConnectCommand(a),
		newDiscoveryCommand(a),
		newDNSCommand(a),
		newDoctorCommand(a),
		newDownCommand(a),
		newEnvCommand(a),
		newEtcdCommand(),
		newEtcdctlCommand(a),
		newExecCommand(a),
		newHealthCommand(a),
		newImageCommand(a),
		newLogsCommand(a),
		newLsCommand(a),
		newPsCommand(a),
		newProcfileCommand(a),
		newRelayCommand(a),
		newRestartCommand(a),
		newStartCommand(a),
		newStopCommand(a),
		newSystemdCommand(a),
		newUpCommand(a),
		newVerifyCommand(a),
		newVersionCommand(a),
	)
	markUsage(root)
	return root
}

func unknownCommand(root *cobra.Command, name string) error {
	err := fmt.Errorf("%q is not a command", name)
	if near := root.SuggestionsFor(name); len(near) > 0 {
		err = fmt.Errorf("%w: did you mean %s?", err, strings.Join(near, " or "))
	}
	return withHint(usage(err), "etcdctr --help lists the commands")
}

// markUsage makes wrong arguments of any command a wrong usage.
func markUsage(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error { return usage(check(cmd, args)) }
	}
	for _, sub := range cmd.Commands() {
		markUsage(sub)
	}
}

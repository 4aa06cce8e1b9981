package main

import (
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

// newRootCommand assembles the command line; each verb is a file of its own.
func newRootCommand(a *app) *cobra.Command {
	cobra.EnableCommandSorting = false // within a group, the order of use
	root := &cobra.Command{
		Use:   "etcdctr",
		Short: "Describe, build, start, prove and look after etcd clusters in containers",
		Long: `etcdctr describes, builds, starts, proves and looks after etcd clusters in
containers. The shortest way to a cluster:

    etcdctr compose > docker-compose.yml
    docker compose up -d --wait`,
		SilenceErrors: true, // run prints them, in one voice
		SilenceUsage:  true,
		Version:       buildVersion(),
	}
	root.PersistentPreRun = func(cmd *cobra.Command, _ []string) { a.speakFor(cmd) }
	root.SetVersionTemplate("etcdctr {{.Version}}\n")
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Voice.Out)
	addGroup(root, "A running cluster",
		newInitCommand(a),
		newUpCommand(a),
		newAdoptCommand(a),
		newDownCommand(a),
		newStopCommand(a),
		newStartCommand(a),
		newRestartCommand(a),
		newMemberCommand(a),
		newPsCommand(a),
		newLogsCommand(a),
		newExecCommand(a),
		newLsCommand(a),
	)
	addGroup(root, "What is true of it",
		newLintCommand(a),
		newHealthCommand(a),
		newVerifyCommand(a),
		newDoctorCommand(a),
		newDashboardCommand(a),
		newMonitoringCommand(a),
	)
	addGroup(root, "What it holds",
		newBackupCommand(a),
		newRestoreCommand(a),
		newRecoverCommand(a),
		newCompactCommand(a),
		newDefragCommand(a),
	)
	addGroup(root, "The way to it",
		newEtcdctlCommand(a),
		newConnectCommand(a),
	)
	addGroup(root, "A cluster as files",
		newComposeCommand(a),
		newEnvCommand(a),
		newProcfileCommand(a),
		newSystemdCommand(a),
		newBundleCommand(a),
		newDNSCommand(a),
		newCertsCommand(a),
		newExplainCommand(a),
	)
	addGroup(root, "What it is made of",
		newImageCommand(a),
		newDiscoveryCommand(a),
	)
	addGroup(root, "What it carries",
		newEtcdCommand(),
		newEtcdutlCommand(a),
		newVersionCommand(a),
	)
	typed.CompleteGroups(root)
	typed.WordFlags(root)
	typed.ShowGroups(root)
	typed.MarkUsage(root)
	return root
}

// addGroup adds commands that the help shows together, in their order.
func addGroup(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title + ":"})
	for _, cmd := range commands {
		cmd.GroupID = title
	}
	root.AddCommand(commands...)
}

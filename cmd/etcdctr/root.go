package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
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
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.voice.Out)
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
	completeGroups(root)
	wordFlags(root)
	showGroups(root)
	markUsage(root)
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

// completeGroups has commands that are nothing but a group of others show their
// help, and refuse what is none of these.
func completeGroups(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		completeGroups(sub)
	}
	if !cmd.HasSubCommands() || cmd.RunE != nil || cmd.Run != nil {
		return
	}
	cmd.Args = cobra.ArbitraryArgs // what is no command comes to RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		return cmd.Help()
	}
}

// known are words for commands that people know from other programs.
var known = map[string]string{
	"status": "health", "delete": "down", "destroy": "down", "rm": "down", "create": "up", "run": "up", "scale": "up --members 5",
	"upgrade": etcdOf(cluster.NewestMinor), "downgrade": etcdOf(cluster.NewestMinor - 1), "snapshot": "backup", "save": "backup", "get": "etcdctl get",
	"put": "etcdctl put", "endpoint": "health", "shell": "exec", "config": "compose", "generate": "compose", "validate": "lint",
	"member list": "ps", "member add": "up --members 5", "member remove": "up --members 3", "member promote": "up",
}

// etcdOf is the command that goes over to a minor of etcd.
func etcdOf(minor int) string { return fmt.Sprintf("up --etcd 3.%d", minor) }

func unknownCommand(group *cobra.Command, name string) error {
	group.SuggestionsMinimumDistance = 2
	err := fmt.Errorf("%q is not a command of %s", name, group.CommandPath())
	if instead := known[strings.TrimPrefix(group.CommandPath()+" "+name, "etcdctr ")]; instead != "" {
		return withHint(usage(err), "`etcdctr %s`", instead)
	}
	if near := group.SuggestionsFor(name); len(near) > 0 {
		err = fmt.Errorf("%w: did you mean %s?", err, strings.Join(near, " or "))
	}
	return withHint(usage(err), "%s --help lists the commands", group.CommandPath())
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

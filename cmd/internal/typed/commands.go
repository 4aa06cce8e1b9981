package typed

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/internal/listed"
)

// CompleteGroups has commands that are nothing but a group of others show their
// help, and refuse what is none of these.
func CompleteGroups(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		CompleteGroups(sub)
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
	"member list": "ps", "member add": "up --members 5", "member promote": "up",
}

// explained are such words where a command by itself is not the answer.
var explained = map[string]string{
	"member remove": "`etcdctr up` removes whom the list in the cluster file leaves out, such as etcd1 of `members: [etcd2, etcd3]`",
}

// etcdOf is the command that goes over to a minor of etcd.
func etcdOf(minor int) string { return fmt.Sprintf("up --etcd 3.%d", minor) }

func unknownCommand(group *cobra.Command, name string) error {
	group.SuggestionsMinimumDistance = 2
	err := fmt.Errorf("%q is not a command of %s", name, group.CommandPath())
	word := strings.TrimPrefix(group.CommandPath()+" "+name, "etcdctr ")
	if hint := explained[word]; hint != "" {
		return hints.With(hints.Usage(err), "%s", hint)
	}
	if instead := known[word]; instead != "" {
		return hints.With(hints.Usage(err), "`etcdctr %s`", instead)
	}
	if near := group.SuggestionsFor(name); len(near) > 0 {
		err = fmt.Errorf("%w: did you mean %s?", err, listed.Or(near))
	}
	return hints.With(hints.Usage(err), "%s --help lists the commands", group.CommandPath())
}

// MarkUsage makes wrong arguments of any command a wrong usage.
func MarkUsage(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error { return hints.Usage(check(cmd, args)) }
	}
	for _, sub := range cmd.Commands() {
		MarkUsage(sub)
	}
}

package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/multicall"
)

func newEtcdCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "etcd [ETCD'S FLAGS]",
		Short: "Run the etcd server that this program carries",
		Long: `etcd runs one member with etcd's own flags and ETCD_ variables, as the program
does when it is called by the name etcd. Procfiles and systemd units start their
members by it.`,
		Example:            `  etcdctr etcd --version`,
		DisableFlagParsing: true, // all of them are etcd's
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && (args[0] == "--help" || args[0] == "-h") {
				return cmd.Help()
			}
			multicall.Etcd(append([]string{"etcd"}, args...))
			return nil
		},
	}
}

func newEtcdutlCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "etcdutl [ETCDUTL'S COMMAND AND FLAGS]",
		Short: "Run the etcdutl that this program carries, on files",
		Long: `etcdutl runs the real etcdutl, which works on the files of members that do not
run: snapshots and data folders. backup and restore do the everyday of it.`,
		Example:            `  etcdctr etcdutl snapshot status snapshot.db -w table`,
		DisableFlagParsing: true, // all of them are etcdutl's
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && (args[0] == "--help" || args[0] == "-h") {
				return cmd.Help()
			}
			code, err := a.Run(cmd.Context(), "etcdutl", args, os.Environ())
			return ended(cmd.Context(), code, err)
		},
	}
}

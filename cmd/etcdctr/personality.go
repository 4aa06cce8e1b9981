package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/etcdctl/v3/ctlv3"
	"go.etcd.io/etcd/etcdutl/v3/etcdutl"
	"go.etcd.io/etcd/server/v3/etcdmain"
)

// runAs behaves as the program that the binary was called by the name of, and
// reports whether there was one.
func runAs(args []string) bool {
	switch strings.TrimSuffix(filepath.Base(args[0]), ".exe") {
	case "etcd":
		runEtcd(args)
	case "etcdctl":
		ctlv3.MustStart()
	case supervisorProgram:
		if err := superviseProcesses(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(exitFailure)
		}
	case "etcdutl":
		runEtcdutl()
	default:
		return false
	}
	return true
}

// runEtcd runs the server with the given command line.
func runEtcd(args []string) {
	waitForPeers(os.Getenv)
	etcdmain.Main(args)
}

// runEtcdutl assembles etcdutl's root command, which upstream keeps in its
// package main; the subcommands are upstream's own.
func runEtcdutl() {
	cobra.EnablePrefixMatching = true
	root := &cobra.Command{
		Use:   "etcdutl",
		Short: "An administrative command line tool for etcd3.",
	}
	root.PersistentFlags().DurationVar(&etcdutl.FlockTimeout, "timeout", 10*time.Second,
		"time to wait to obtain a file lock on db file, 0 to block indefinitely")
	root.PersistentFlags().StringVarP(&etcdutl.OutputFormat, "write-out", "w", "simple",
		"set the output format (fields, json, protobuf, simple, table)")
	root.AddCommand(
		etcdutl.NewDefragCommand(),
		etcdutl.NewSnapshotCommand(),
		etcdutl.NewHashKVCommand(),
		etcdutl.NewVersionCommand(),
		etcdutl.NewCompletionCommand(),
		etcdutl.NewMigrateCommand(),
	)
	root.SetHelpTemplate(`{{.UsageString}}`)
	if err := root.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

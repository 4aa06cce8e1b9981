package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

// A value is called by a word that says what it is: a file, a folder, one of
// these. The names of Go's types say nothing of that.
func TestTheHelpCallsValuesByWords(t *testing.T) {
	var look func(*cobra.Command)
	look = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			look(sub)
		}
		cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			switch flag.Value.Type() {
			case "bool": // which takes none
			case "string", "stringSlice", "stringArray", "stringToString", "duration", "int", "int64", "uint64":
				t.Errorf("%s --%s: the value has no word in flagWords", cmd.CommandPath(), flag.Name)
			}
		})
		if usage := cmd.LocalFlags().FlagUsages(); strings.Contains(usage, "(default )") {
			t.Errorf("%s: a default that is none is shown: %s", cmd.CommandPath(), usage)
		}
	}
	look(newRootCommand(newApp()))
}

// Commands about a cluster that is there take what finds it. What it is was said
// where it was described.
func TestCommandsAboutARunningClusterTakeOnlyWhatFindsIt(t *testing.T) {
	root := newRootCommand(newApp())
	for _, name := range []string{
		"ps", "logs", "exec", "stop", "start", "restart", "down", "health", "doctor", "etcdctl", "connect", "dashboard", "backup", "backup run", "compact", "defrag",
	} {
		cmd, _, err := root.Find(strings.Fields(name))
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range cluster.Keys() {
			if has := cmd.Flags().Lookup(k.Name) != nil; has != (k.Name == "name") {
				t.Errorf("%s: --%s is there: %t", name, k.Name, has)
			}
		}
		for _, flag := range typed.Finding {
			if cmd.Flags().Lookup(flag) == nil {
				t.Errorf("%s has no --%s", name, flag)
			}
		}
	}
}

// Every command finds the cluster in the same way: the script found has each that takes a
// name, but for those that found a cluster, or that take it for something else.
func TestEveryCommandIsTriedInTheFolderOfACluster(t *testing.T) {
	script, err := os.ReadFile("testdata/script/found.txtar")
	if err != nil {
		t.Fatal(err)
	}
	others := []string{
		"adopt", "init", "restore", // found one
		"backup prune", // takes it for a filter
		"certs import", // takes files signed elsewhere, and reads the cluster as certs request does
		"dns check",    // takes a server that answers, and reads the cluster as dns does
		"image bundle", // takes an engine with images, and reads the cluster as compose does
	}
	var look func(*cobra.Command)
	look = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			look(sub)
		}
		name := strings.TrimPrefix(cmd.CommandPath(), "etcdctr ")
		if cmd.Flags().Lookup("name") == nil || slices.Contains(others, name) {
			return
		}
		if !strings.Contains(string(script), "exec etcdctr "+name+"\n") && !strings.Contains(string(script), "exec etcdctr "+name+" ") {
			t.Errorf("%s is not in it", name)
		}
	}
	look(newRootCommand(newApp()))
}

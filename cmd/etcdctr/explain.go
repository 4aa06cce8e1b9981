package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

func newExplainCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "explain [SETTING]",
		Short: "Tell what a setting of etcd does, and in which releases",
		Long: `explain tells what a setting of etcd does, what it takes, when etcd reads it,
and which releases have it with which default. SETTING is a flag of etcd, its
variable, or a key under settings in the cluster file:

    etcdctr explain snapshot-count
    etcdctr explain ETCD_INITIAL_CLUSTER_STATE

Without one, it lists all of them.`,
		Args: typed.AtMost("SETTING"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return cluster.SettingNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.listSettings(format)
			}
			return a.explainSetting(args[0], format)
		},
	}
	addFormatFlag(cmd, &format)
	return cmd
}

func (a *app) explainSetting(written, format string) error {
	k, ok := cluster.LookupSetting(cluster.SettingName(written))
	if !ok {
		return withHint(usage(fmt.Errorf("%q is not a setting of etcd: %s", written, cluster.NearestSettings(written))),
			"`etcdctr explain` lists them")
	}
	e := k.Explain()
	if format == formatJSON {
		return a.printJSON(e)
	}
	fmt.Fprintf(a.out, "%s: %s\n\n", e.Setting, e.What)
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, line := range explained(e, k) {
		if line[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return printReleases(a.out, e)
}

// explained are the name and the text of what there is to say.
func explained(e cluster.Explanation, k cluster.KnownSetting) [][2]string {
	minors := k.Minors()
	newest, _ := k.In(minors[len(minors)-1])
	read := "at every start: a change takes a restart"
	if e.FirstOnly {
		read = "at the first start only: ignored once there is data"
	}
	decided := e.Decided
	if decided != "" {
		decided = "not to be set: it " + decided
	}
	return [][2]string{
		{"cluster file", e.Key + decided},
		{"variable", e.Variable},
		{"takes", newest.Form()},
		{"read", read},
		{"needs", strings.Join(e.Needs, ", ")},
		{"needed by", strings.Join(e.NeededBy, ", ")},
		{"risk", e.Risk},
		{"became", e.Became},
	}
}

func printReleases(out io.Writer, e cluster.Explanation) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "\nETCD\tDEFAULT\tSTANDING\n")
	for _, r := range e.Releases {
		standing := r.Standing
		switch {
		case !r.Known:
			standing = "not known"
		case standing == "":
			standing = "in use"
		}
		if r.Support != string(cluster.Supported) {
			standing += " (" + r.Support + ")"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.Release, terminal.OrDash(r.Default), standing)
	}
	return w.Flush()
}

// listSettings lists what any release goes by.
func (a *app) listSettings(format string) error {
	var all []cluster.Explanation
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "SETTING\tETCD\tWHAT IT DOES\n")
	for _, name := range cluster.SettingNames() {
		if k, _ := cluster.LookupSetting(name); k.What != "" {
			all = append(all, k.Explain())
			fmt.Fprintf(w, "%s\t%s\t%s\n", name, k.Span(), k.What)
		}
	}
	if format == formatJSON {
		return a.printJSON(all)
	}
	return w.Flush()
}

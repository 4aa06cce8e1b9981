package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
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
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return cluster.SettingNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listSettings(a.out, format)
			}
			return explainSetting(a.out, args[0], format)
		},
	}
	addFormatFlag(cmd, &format)
	return cmd
}

// explanation is a setting as JSON.
type explanation struct {
	Setting   string              `json:"setting"`
	Variable  string              `json:"variable"`
	What      string              `json:"what"`
	Key       string              `json:"clusterFileKey,omitempty"`
	Decided   string              `json:"decided,omitempty"` // instead of a key
	FirstOnly bool                `json:"firstStartOnly"`
	Needs     []string            `json:"needs,omitempty"`
	NeededBy  []string            `json:"neededBy,omitempty"`
	Risk      string              `json:"risk,omitempty"`
	Became    string              `json:"became,omitempty"`
	Releases  []settingOfARelease `json:"releases"`
}

// settingOfARelease is what one release has of a setting.
type settingOfARelease struct {
	Release  string   `json:"release"`
	Support  string   `json:"support"`
	Known    bool     `json:"known"`
	Type     string   `json:"type,omitempty"`
	Words    []string `json:"words,omitempty"`
	Default  string   `json:"default,omitempty"`
	Standing string   `json:"standing,omitempty"`
}

func explanationOf(k cluster.KnownSetting) explanation {
	e := explanation{
		Setting: k.Name, Variable: k.Env(), What: k.What, FirstOnly: cluster.BootstrapOnly(k.Name),
		Needs: k.Needs, NeededBy: k.NeededBy(), Risk: k.Risk, Became: k.Successor(),
	}
	if e.What == "" {
		e.What = "nothing any more: it is of long ago, and only accepted"
	}
	e.Key, e.Decided = cluster.KeyOf(k.Name)
	for _, r := range cluster.Releases() {
		o, known := k.In(r.Tested.Minor)
		e.Releases = append(e.Releases, settingOfARelease{
			Release: r.Tested.String(), Support: string(r.Support), Known: known,
			Type: string(o.Kind), Words: o.Allowed, Default: o.Default, Standing: string(o.Standing),
		})
	}
	return e
}

func explainSetting(out io.Writer, written, format string) error {
	k, ok := cluster.LookupSetting(cluster.SettingName(written))
	if !ok {
		return withHint(usage(fmt.Errorf("%q is not a setting of etcd: %s", written, cluster.NearestSettings(written))),
			"`etcdctr explain` lists them")
	}
	e := explanationOf(k)
	if format == formatJSON {
		return printJSON(out, e)
	}
	fmt.Fprintf(out, "%s: %s\n\n", e.Setting, e.What)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, line := range e.lines(k) {
		if line[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return e.table(out)
}

// lines are the name and the text of what there is to say.
func (e explanation) lines(k cluster.KnownSetting) [][2]string {
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

func (e explanation) table(out io.Writer) error {
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
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.Release, orDash(r.Default), standing)
	}
	return w.Flush()
}

// listSettings lists what any release goes by.
func listSettings(out io.Writer, format string) error {
	var all []explanation
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "SETTING\tETCD\tWHAT IT DOES\n")
	for _, name := range cluster.SettingNames() {
		if k, _ := cluster.LookupSetting(name); k.What != "" {
			all = append(all, explanationOf(k))
			fmt.Fprintf(w, "%s\t%s\t%s\n", name, k.Span(), k.What)
		}
	}
	if format == formatJSON {
		return printJSON(out, all)
	}
	return w.Flush()
}

func printJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

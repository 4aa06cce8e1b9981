package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
)

// TestSettingsPage holds docs/settings.md to the tables of package cluster.
func TestSettingsPage(t *testing.T) {
	comparePage(t, "../../docs/settings.md", settingsPage())
}

// TestReleasePages holds the pages of what each release changed, docs/releases,
// to the same tables.
func TestReleasePages(t *testing.T) {
	releases := cluster.Releases()
	for i, r := range releases[1:] {
		comparePage(t, fmt.Sprintf("../../docs/releases/3.%d.md", r.Tested.Minor), releasePage(releases[i], r))
	}
}

// comparePage compares a page with what it is made of; -update writes it.
func comparePage(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s differs from the tables (-tables +page); run `make docs`:\n%s", file, diff)
	}
}

func settingsPage() string {
	var page strings.Builder
	page.WriteString("# The settings of etcd\n\n" +
		"Made from the tables in `cluster/releases`, which were read from the real\n" +
		"programs, and from `cluster/meaning.go`. `etcdctr explain SETTING` tells more of\n" +
		"one: its default in each release, what it needs, its variable. Where the file has\n" +
		"no key for a setting, the rest of the file decides it. What each release changed:")
	for _, r := range cluster.Releases()[1:] {
		fmt.Fprintf(&page, " [3.%d](releases/3.%[1]d.md)", r.Tested.Minor)
	}
	page.WriteString(".\n\nA setting marked *first start* is ignored once a member has data.\n\n" +
		"| setting | etcd | what it does | default | in the cluster file |\n|---|---|---|---|---|\n")
	for _, name := range cluster.SettingNames() {
		if k, _ := cluster.LookupSetting(name); k.What != "" {
			settingsRow(&page, k)
		}
	}
	return page.String()
}

func settingsRow(page *strings.Builder, k cluster.KnownSetting) {
	what := k.What
	if cluster.BootstrapOnly(k.Name) {
		what += " (*first start*)"
	}
	if k.Risk != "" {
		what += ". Risk: " + k.Risk
	}
	key, why := cluster.KeyOf(k.Name)
	if key == "" {
		key = why
	} else {
		key = "`" + key + "`"
	}
	minors := k.Minors()
	newest, _ := k.In(minors[len(minors)-1])
	fmt.Fprintf(page, "| `%s` | %s | %s | %s | %s |\n", k.Name, k.Span(), what, code(newest.Default), key)
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(s, "|", `\|`) + "`"
}

// releasePage tells what a minor changed of the one before it.
func releasePage(before, r cluster.Release) string {
	var page strings.Builder
	fmt.Fprintf(&page, "# etcd 3.%d\n\n%s, %s. Made from the tables in `cluster/releases`: what it changed of the\nsettings of %s.\n",
		r.Tested.Minor, r.Tested, r.Support, before.Tested)
	changes := changesOf(before.Tested.Minor, r.Tested.Minor)
	for _, title := range changeTitles {
		writeChanges(&page, title, changes[title])
	}
	if len(changes) == 0 {
		page.WriteString("\nNothing: the same settings, with the same types and defaults.\n")
	}
	writeWay(&page, before.Tested, r.Tested)
	return page.String()
}

const (
	added    = "New"
	gone     = "Gone"
	warned   = "Warned about"
	redone   = "Another default"
	retyped  = "Another type"
	newGates = "New feature gates"
	oldGates = "Gone feature gates"
)

var changeTitles = []string{added, gone, warned, redone, retyped, newGates, oldGates}

// changesOf lists what differs between two minors, by title.
func changesOf(before, minor int) map[string][]string {
	changes := map[string][]string{}
	for _, name := range cluster.SettingNames() {
		k, _ := cluster.LookupSetting(name)
		was, had := k.In(before)
		is, has := k.In(minor)
		for title, text := range changeOf(was, had, is, has) {
			changes[title] = append(changes[title], fmt.Sprintf("`%s`%s", name, text))
		}
		if had && has && is.Kind == cluster.Gates {
			changes[newGates] = append(changes[newGates], without(is.Allowed, was.Allowed)...)
			changes[oldGates] = append(changes[oldGates], without(was.Allowed, is.Allowed)...)
		}
		if next := k.Successor(); !has && had && next != "" {
			last := len(changes[gone]) - 1
			changes[gone][last] += ", now `" + next + "`"
		}
	}
	maps.DeleteFunc(changes, func(_ string, lines []string) bool { return len(lines) == 0 })
	return changes
}

// changeOf tells what became of one setting.
func changeOf(was cluster.Option, had bool, is cluster.Option, has bool) map[string]string {
	switch {
	case !had && has:
		return map[string]string{added: ", " + is.Form() + defaultOf(is)}
	case had && !has:
		return map[string]string{gone: ""}
	case !had:
		return nil
	}
	changes := map[string]string{}
	if is.Standing == cluster.Warned && was.Standing != cluster.Warned {
		changes[warned] = ""
	}
	if was.Form() != is.Form() {
		changes[retyped] = ": " + is.Form() + ", was " + was.Form()
	}
	// The defaults of 3.4 are what its help says, which leaves some out.
	if was.Default != is.Default && was.Default != "" {
		changes[redone] = ": " + orNothing(code(is.Default)) + ", was " + code(was.Default)
	}
	return changes
}

func defaultOf(o cluster.Option) string {
	if o.Default == "" {
		return ""
	}
	return " (" + code(o.Default) + ")"
}

func orNothing(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func without(words, other []string) []string {
	var left []string
	for _, w := range words {
		if !slices.Contains(other, w) {
			left = append(left, "`"+w+"`")
		}
	}
	return left
}

func writeChanges(page *strings.Builder, title string, lines []string) {
	if len(lines) > 0 {
		fmt.Fprintf(page, "\n## %s\n\n- %s\n", title, strings.Join(lines, "\n- "))
	}
}

// writeWay tells what has to be true before the release is gone to, and back.
func writeWay(page *strings.Builder, before, to cluster.Version) {
	var lines []string
	for _, t := range cluster.TrapsTowards(to.Minor) {
		lines = append(lines, fmt.Sprintf("From %s at least: before it, %s ([source](%s)).", t.Cure(), t.What, t.Source))
	}
	for _, d := range cluster.Demands(before, to, 0) {
		unless := ""
		if d.Unless > 0 {
			unless = fmt.Sprintf(" A cluster that was founded with 3.%d or later does without.", d.Unless)
		}
		lines = append(lines, fmt.Sprintf("%s. Before it: %s.%s", d.Why, d.How, unless))
	}
	writeChanges(page, "On the way up", lines)
	if to.Minor-1 < cluster.OldestMinor {
		return
	}
	for _, d := range cluster.Demands(to, before, 0) {
		writeChanges(page, "On the way back", []string{d.Why + ". Before it: " + d.How + "."})
	}
}

package cluster

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
)

// This file is what an Explanation says to a person.

// ExplainAll explains every setting that any release goes by, in the order of names.
func ExplainAll() []Explanation {
	var all []Explanation
	for _, name := range SettingNames() {
		if k, _ := LookupSetting(name); k.What != "" {
			all = append(all, k.Explain())
		}
	}
	return all
}

// SettingsTable lists explanations, one to a line.
func SettingsTable(all []Explanation) string {
	return table("SETTING\tETCD\tWHAT IT DOES", func(row func(cells ...string)) {
		for _, e := range all {
			k, _ := LookupSetting(e.Setting)
			row(e.Setting, k.Span(), e.What)
		}
	})
}

// Text says all of it.
func (e Explanation) Text() string {
	read := "at every start: a change takes a restart"
	if e.FirstOnly {
		read = "at the first start only: ignored once there is data"
	}
	decided := e.Decided
	if decided != "" {
		decided = "not to be set: it " + decided
	}
	k, _ := LookupSetting(e.Setting)
	minors := k.Minors()
	newest, _ := k.In(minors[len(minors)-1])
	facts := table("", func(row func(cells ...string)) {
		for _, fact := range [][2]string{
			{"cluster file", e.Key + decided},
			{"variable", e.Variable},
			{"takes", newest.Form()},
			{"read", read},
			{"needs", strings.Join(e.Needs, ", ")},
			{"needed by", strings.Join(e.NeededBy, ", ")},
			{"risk", e.Risk},
			{"became", e.Became},
		} {
			if fact[1] != "" {
				row(fact[0], fact[1])
			}
		}
	})
	releases := table("ETCD\tDEFAULT\tSTANDING", func(row func(cells ...string)) {
		for _, r := range e.Releases {
			row(r.Release, cmp.Or(r.Default, "-"), r.standing())
		}
	})
	return fmt.Sprintf("%s: %s\n\n%s\n%s", e.Setting, e.What, facts, releases)
}

// standing is what one release makes of the setting, and of itself.
func (r SettingOfRelease) standing() string {
	standing := cmp.Or(r.Standing, "in use")
	if !r.Known {
		standing = "not known"
	}
	if r.Support != string(Supported) {
		standing += " (" + r.Support + ")"
	}
	return standing
}

// table aligns rows, below a header if there is one.
func table(header string, fill func(row func(cells ...string))) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if header != "" {
		fmt.Fprintln(w, header)
	}
	fill(func(cells ...string) { fmt.Fprintln(w, strings.Join(cells, "\t")) })
	_ = w.Flush() // a strings.Builder takes all
	return b.String()
}

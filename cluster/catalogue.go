package cluster

import (
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What the releases of etcd know of settings is generated: releases/3.7.tsv and
// its neighbours are read by `make settings` from the flag sets of the real
// programs. What is written by hand is which releases there are (version.go)
// and what the settings mean (meaning.go).
//
//go:embed releases/*.tsv
var tables embed.FS

// ValueKind is the form of a setting's value.
type ValueKind string

// The kinds of values.
const (
	Boolean  ValueKind = "boolean"
	Counting ValueKind = "count"
	Integer  ValueKind = "integer"
	Duration ValueKind = "duration"
	Text     ValueKind = "text"
	List     ValueKind = "list"
	URLs     ValueKind = "urls"
	Choice   ValueKind = "choice"
	Gates    ValueKind = "gates"
)

// forms say what a value of a kind looks like.
var forms = map[ValueKind]string{
	Boolean:  "true or false",
	Counting: "a whole number that is not negative",
	Integer:  "a whole number",
	Duration: "a duration such as 500ms or 1h",
	Text:     "text",
	List:     "words separated by commas",
	URLs:     "URLs separated by commas",
	Gates:    "gates such as InitialCorruptCheck=true, separated by commas",
}

// Standing is how a release takes a setting that it knows.
type Standing string

// The ways a release takes a setting.
const (
	InUse   Standing = ""
	Warned  Standing = "deprecated" // works, or not any more, with a warning in the log
	Ignored Standing = "ignored"    // of long ago: accepted, and without effect
)

// Option is a setting as one release has it.
type Option struct {
	Kind     ValueKind
	Allowed  []string // with Choice and Gates: the words
	Default  string   // as etcd prints it; empty: nothing, or decided at the start
	Standing Standing
}

// Form says what the value has to look like.
func (o Option) Form() string {
	if o.Kind == Choice {
		return alternatives(o.Allowed)
	}
	return forms[o.Kind]
}

// KnownSetting is one of etcd's own settings: a flag, and as ETCD_… a variable.
type KnownSetting struct {
	Name string
	Meaning
	options map[int]Option // by minor
}

// Env is the environment variable of the setting.
func (k KnownSetting) Env() string { return Setting{Name: k.Name}.Env() }

// In gives the setting as etcd 3.minor has it, if it knows it.
func (k KnownSetting) In(minor int) (Option, bool) {
	o, ok := k.options[minor]
	return o, ok
}

// Minors lists those that know the setting, oldest first.
func (k KnownSetting) Minors() []int {
	var minors []int
	for _, r := range releases {
		if _, ok := k.options[r.Tested.Minor]; ok {
			minors = append(minors, r.Tested.Minor)
		}
	}
	return minors
}

// catalogue holds every setting of every known release. It matters because etcd
// only warns about a variable it does not know and then boots without it: with
// a misspelt bootstrap setting, three members become three clusters.
var catalogue = sync.OnceValue(func() map[string]KnownSetting {
	all := map[string]KnownSetting{}
	for _, r := range releases {
		options, err := readTable(r.Tested)
		if err != nil {
			panic("cluster: " + err.Error()) // a table that make settings did not write
		}
		for name, o := range options {
			k, ok := all[name]
			if !ok {
				k = KnownSetting{Name: name, Meaning: meanings[name], options: map[int]Option{}}
			}
			k.options[r.Tested.Minor] = o
			all[name] = k
		}
	}
	return all
})

// readTable reads the settings of a release: a line each with its name, kind,
// allowed words, default and standing, between tabs.
func readTable(release Version) (map[string]Option, error) {
	file := fmt.Sprintf("releases/3.%d.tsv", release.Minor)
	data, err := tables.ReadFile(file)
	if err != nil {
		return nil, err
	}
	options := map[string]Option{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		columns := strings.Split(line, "\t")
		if len(columns) != 5 {
			return nil, fmt.Errorf("%s: %q has not 5 columns", file, line)
		}
		o := Option{Kind: ValueKind(columns[1]), Default: columns[3], Standing: Standing(columns[4])}
		if columns[2] != "" {
			o.Allowed = strings.Split(columns[2], ",")
		}
		options[columns[0]] = o
	}
	return options, nil
}

// LookupSetting finds one of etcd's settings by its flag name without dashes,
// whichever of the known releases has it.
func LookupSetting(name string) (KnownSetting, bool) {
	k, ok := catalogue()[name]
	return k, ok
}

// SettingNames lists the settings of all known releases of etcd, by their flag
// names without dashes.
func SettingNames() []string {
	var names []string
	for name := range catalogue() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// NearestSettings tells which setting may be meant by a name that is none, in
// whatever form it was written: "did you mean max-txn-ops?".
func NearestSettings(written string) string {
	return didYouMean(SettingName(written), settingsInUse())
}

// settingsInUse lists the settings that any release in use knows.
func settingsInUse() []string {
	var names []string
	for name, k := range catalogue() {
		if meanings[name].What != "" {
			names = append(names, k.Name)
		}
	}
	slices.Sort(names)
	return names
}

// NeededBy lists the settings that have no effect without this one.
func (k KnownSetting) NeededBy() []string {
	var names []string
	for _, name := range SettingNames() {
		if slices.Contains(meanings[name].Needs, k.Name) {
			names = append(names, name)
		}
	}
	return names
}

// Successor is what took the setting's place in later releases, as it is written
// under settings; empty when nothing did, or the setting is still there.
func (k KnownSetting) Successor() string {
	stable, was := strings.CutPrefix(k.Name, "experimental-")
	if _, known := LookupSetting(stable); was && known && k.Became == "" {
		return stable
	}
	return k.Became
}

// BootstrapOnly tells that etcd reads a setting at its first start only: once
// there is data it goes by that, whatever the setting says. A difference in such
// a setting alone is no reason to replace a member.
func BootstrapOnly(name string) bool { return meanings[name].Reading == AtFirstStart }

// Fits tells whether the release can read the value.
func (o Option) Fits(value string) bool {
	var err error
	switch o.Kind {
	case Boolean:
		_, err = strconv.ParseBool(value)
	case Counting:
		_, err = strconv.ParseUint(value, 10, 64)
	case Integer:
		_, err = strconv.ParseInt(value, 10, 64)
	case Duration:
		_, err = time.ParseDuration(value)
	case Choice:
		return slices.Contains(o.Allowed, value)
	case Gates:
		_, bad := o.badGate(value)
		return !bad
	default:
		return value != "" && !strings.ContainsRune(value, 0)
	}
	return err == nil
}

// badGate gives the first word of a list of gates that etcd would refuse.
func (o Option) badGate(value string) (word string, bad bool) {
	for _, word := range strings.Split(value, ",") {
		name, on, _ := strings.Cut(word, "=")
		if _, err := strconv.ParseBool(on); err != nil || !slices.Contains(o.Allowed, strings.TrimSpace(name)) {
			return word, true
		}
	}
	return "", false
}

// misspelt says which words there are, when one of them was meant.
func (o Option) misspelt(value string) string {
	if o.Kind != Gates {
		return ""
	}
	word, _ := o.badGate(value)
	name, _, _ := strings.Cut(word, "=")
	if slices.Contains(o.Allowed, name) {
		return ""
	}
	return ": " + name + " is no gate of this release: " + didYouMean(name, o.Allowed)
}

// Span tells which minors know the setting: "3.5 to 3.6".
func (k KnownSetting) Span() string {
	minors := k.Minors()
	first, last := minors[0], minors[len(minors)-1]
	if first == last {
		return fmt.Sprintf("3.%d", first)
	}
	return fmt.Sprintf("3.%d to 3.%d", first, last)
}

package cluster

import (
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/etcdctr/etcdctr/internal/listed"
)

// This file judges the settings of etcd that a Spec gives by name.

// settingKeys lists the keys of a Spec that are settings of etcd too. A Spec's
// name is not: it is the cluster's.
func settingKeys() []string {
	var keys []string
	for f := range reflect.TypeFor[Spec]().Fields() {
		key := f.Tag.Get("key")
		if _, ok := LookupSetting(key); ok && key != "name" {
			keys = append(keys, key)
		}
	}
	return keys
}

// KeyOf tells where a cluster file has a setting: under a key of its own, or
// under settings. Without a key, why says what decides it instead.
func KeyOf(name string) (key, why string) {
	switch why := owner(name); {
	case ownedSettings[name] != "":
		return "", ownedSettings[name]
	case slices.Contains(settingKeys(), name):
		return name, ""
	case why != "":
		return "", why
	}
	return "settings." + name, ""
}

// plainSettings are the settings whose keys have the tag `etcd:"plain"`: etcd is
// told what was written. What a new one takes stands in CONTRIBUTING.md.
func (r *resolver) plainSettings() Settings {
	var settings Settings
	spec := reflect.ValueOf(r.spec)
	for f := range spec.Type().Fields() {
		value := spec.FieldByIndex(f.Index)
		if f.Tag.Get("etcd") == "plain" && value.String() != "" {
			settings = append(settings, Setting{f.Tag.Get("key"), value.String()})
		}
	}
	return settings
}

// furtherSettings merges the settings maps: the profile's, the cluster's, the
// member's.
func (r *resolver) furtherSettings(member map[string]string) Settings {
	all := overlay(overlay(r.profile.settings, r.spec.Settings), member)
	var settings Settings
	for name, value := range all {
		settings = append(settings, Setting{name, value})
	}
	slices.SortFunc(settings, func(a, b Setting) int { return strings.Compare(a.Name, b.Name) })
	return settings
}

// checkKeys checks those keys that are settings against the release.
func (r *resolver) checkKeys(v Version) {
	spec := reflect.ValueOf(r.spec)
	for _, key := range settingKeys() {
		field, _ := fieldByKey(spec, key)
		if owner(key) == "" && field.String() != "" {
			r.gate(key, v, key)
		}
	}
	for _, s := range r.plainSettings() {
		if o, ok := r.gate(s.Name, v, s.Name); ok {
			r.checkValue(s.Name, o, s.Name, s.Value)
		}
	}
}

func (r *resolver) checkSettings(path string, v Version, settings map[string]string) {
	for name, value := range settings {
		r.checkSetting(path+"."+name, v, name, value)
	}
}

func (r *resolver) checkSetting(path string, v Version, name, value string) {
	if why := r.refusal(name); why != "" {
		r.report(path, "%s", why)
		return
	}
	if o, ok := r.gate(path, v, name); ok {
		r.checkValue(path, o, name, value)
	}
}

// refusal tells why a setting is not to be given by name.
func (r *resolver) refusal(name string) string {
	auto := TLSMode(r.spec.TLS) == AutoTLS
	switch key, why := KeyOf(name); {
	case auto && clientAuthentication[name]:
		return "can't be set here: it asks for client certificates, and with tls: auto etcd would switch that off without a word: use tls: mutual"
	case key == "":
		return "can't be set here: it " + why
	case key == name:
		return "has a key of its own: write " + name + " at the top level"
	case auto && strings.Contains(name, "cert-allowed-"):
		return "asks for client certificates, and with tls: auto etcd looks at none: use tls: mutual"
	}
	return ""
}

// gate refuses a setting that the release does not know or takes without effect.
func (r *resolver) gate(path string, v Version, name string) (Option, bool) {
	known, ok := LookupSetting(name)
	if !ok {
		r.report(path, "is not a setting of etcd: %s", NearestSettings(name))
		return Option{}, false
	}
	o, ok := known.In(v.Minor)
	minors := known.Minors()
	first, last := minors[0], minors[len(minors)-1]
	switch {
	case ok && o.Standing == Ignored:
		r.report(path, "has no effect: etcd %s only warns that it is of long ago: leave it out", v)
	case ok:
		return o, true
	case v.Minor < first:
		r.report(path, "etcd %s does not know it, %s and later do: leave it out, or change etcd", v, minorName(first))
	default:
		r.report(path, "etcd %s does not know it any more, %s was the last: %s", v, minorName(last), known.whatInstead())
	}
	return Option{}, false
}

// whatInstead tells what to do about a setting that is gone.
func (k KnownSetting) whatInstead() string {
	if next := k.Successor(); next != "" {
		return "it is now " + next
	}
	return "leave it out"
}

func (r *resolver) checkValue(path string, o Option, name, value string) {
	least := meanings[name].Least
	n, err := strconv.Atoi(value)
	suites, lacks := LacksHTTP2(value)
	switch {
	case !o.Fits(value):
		r.report(path, "must be %s, not %q%s", o.Form(), value, o.misspelt(value))
	case least > 0 && err == nil && n < least:
		r.report(path, "must be at least %d, not %s", least, value)
	case name == "cipher-suites" && r.spec.TLS != string(NoTLS) && lacks:
		r.report(path, "etcd ends once it is to serve clients, as HTTP/2 wants a suite with 128 bits: add %s", listed.Or(suites))
	case name == "unsafe-no-fsync" && value == "true":
		r.warn(path, "loses acknowledged writes when the machine stops: only for data that can be lost")
	case o.Standing == Warned:
		r.warn(path, "is deprecated: etcd takes it with a warning, and a later release will not")
	}
}

// paths checks what a member would write beside its data: it has to be able to,
// and to be the only one who does. written has the paths of the members so far.
func (r *resolver) paths(at string, m Member, own map[string]string, written map[string]string) {
	for _, s := range m.Settings {
		known, _ := LookupSetting(s.Name)
		if !known.Writes {
			continue
		}
		key := "settings." + s.Name
		if _, ok := own[s.Name]; ok {
			key = at + "." + key
		}
		for _, file := range strings.Split(s.Value, ",") {
			if !isStream(file) {
				r.path(key, m, file, written)
			}
		}
	}
}

// isStream tells that a log goes elsewhere than to a file.
func isStream(output string) bool {
	return slices.Contains([]string{"default", "stderr", "stdout", "systemd/journal"}, output)
}

func (r *resolver) path(key string, m Member, file string, written map[string]string) {
	dir, taken := m.Place.WritableDir, written[file]
	switch {
	case dir != "" && !strings.HasPrefix(path.Clean(file), dir+"/"):
		r.report(key, "%q can't be written: all that etcd may write in is %s, so name a path below that", file, dir)
	case dir == "" && taken != "":
		r.report(key, "%q is written by %s too: set it for each member", file, taken)
	}
	written[file] = m.Name
}

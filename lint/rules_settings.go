package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
)

// settingRules are about settings as such.
var settingRules = []Rule{
	{
		ID: "environment-item-ignored", Severity: Error,
		Title:  "a list item of an environment sets nothing",
		Why:    "in a list it is NAME=VALUE; with a colon it is the name of a variable that does not exist, and a member that misses its initial-cluster forms a cluster of its own",
		Source: docsCompose + "#environment",
		Bad:    "    environment:\n      - \"ETCD_INITIAL_CLUSTER: etcd1=http://etcd1:2380,etcd2=http://etcd2:2380\"",
		Good:   "    environment:\n      - ETCD_INITIAL_CLUSTER=etcd1=http://etcd1:2380,etcd2=http://etcd2:2380",
		check:  eachContainer(checkListItems),
	},
	{
		ID: "bootstrap-setting-ignored", Severity: Error,
		Title:  "the release does not know a setting that brings the members together",
		Why:    "etcd only warns, starts without it, and each member forms a cluster of its own",
		Source: "cluster/releases, read from the programs, and runs of each",
		Bad:    "    image: quay.io/coreos/etcd:v3.7.3\n    environment:\n      ETCD_DISCOVERY: http://discovery.example/abc",
		Good:   "      ETCD_DISCOVERY_TOKEN: abc\n      ETCD_DISCOVERY_ENDPOINTS: http://discovery.example:2379",
		check:  eachMember(checkBootstrapIgnored),
	},
	{
		ID: "setting-ignored", Severity: Warning,
		Title:  "the release does not know a variable",
		Why:    "etcd only warns, and starts without what was asked for",
		Source: "cluster/releases, read from the programs",
		Bad:    "    image: quay.io/coreos/etcd:v3.6.16\n    environment:\n      ETCD_ENABLE_V2: \"true\"",
		Good:   "    environment: {}",
		check:  eachMember(checkIgnored),
	},
	{
		ID: "flag-unknown", Severity: Warning,
		Title:  "the release does not know a flag",
		Why:    "the member ends at once: flag provided but not defined",
		Source: "cluster/releases, read from the programs",
		Bad:    "    image: quay.io/coreos/etcd:v3.6.16\n    command: etcd --enable-v2",
		Good:   "    command: etcd",
		check:  eachMember(checkUnknownFlag),
	},
	{
		ID: "setting-deprecated", Severity: Note, Choice: true,
		Title:  "the release warns about a setting",
		Why:    "it works today, and a later release does not know it",
		Source: "cluster/releases, read from the programs",
		Bad:    "    image: quay.io/coreos/etcd:v3.6.16\n    environment:\n      ETCD_EXPERIMENTAL_INITIAL_CORRUPT_CHECK: \"true\"",
		Good:   "      ETCD_FEATURE_GATES: InitialCorruptCheck=true",
		check:  eachMember(checkDeprecated),
	},
	{
		ID: "set-twice", Severity: Warning,
		Title:  "an option is given as a flag and as a variable",
		Why:    "the member ends at once: etcd takes one or the other, whatever they say",
		Source: "go.etcd.io/etcd/pkg/v3/flags, SetFlagsFromEnv, and a run of each release",
		Bad:    "    command: etcd --name etcd1\n    environment: {ETCD_NAME: etcd1}",
		Good:   "    command: etcd\n    environment: {ETCD_NAME: etcd1}",
		check:  eachMember(checkSetTwice),
	},
	{
		ID: "etcdctl-api", Severity: Note,
		Title:  "ETCDCTL_API is set",
		Why:    "3 is all there is since etcd 3.4, and etcdctl 3.7 warns about it each time",
		Source: "https://github.com/etcd-io/etcd/blob/main/CHANGELOG/CHANGELOG-3.4.md",
		Bad:    "      ETCDCTL_API: \"3\"",
		Good:   "      # without it",
		check:  eachContainer(checkEtcdctlAPI),
	},
}

// knows tells whether a member's release knows a setting, and goes by it. Of a
// release that is not known, all are asked.
func (m *Member) knows(name string) (known bool, why string) {
	k, ok := cluster.LookupSetting(name)
	if !ok {
		why = "etcd does not know it"
		if near, found := cluster.NearestSetting(name); found {
			why += ": " + near + " is meant, perhaps"
		}
		return false, why
	}
	v, certain := m.Release.minor()
	if !certain {
		return true, ""
	}
	o, has := k.In(v)
	switch minors := k.Minors(); {
	case has && o.Standing == cluster.Ignored:
		return false, fmt.Sprintf("etcd %s takes it from old times, and does nothing with it", m.Release)
	case has:
		return true, ""
	case v < minors[0]:
		return false, fmt.Sprintf("etcd %s does not know it yet, v3.%d was the first", m.Release, minors[0])
	}
	return false, fmt.Sprintf("etcd %s does not know it: it is of %s", m.Release, k.Span())
}

// bringsTogether are settings without which members do not find each other.
var bringsTogether = []string{"initial-cluster", "discovery", "discovery-srv", "discovery-token", "discovery-endpoints"}

// ignored lists the variables that a member's release does not know.
func (m *Member) ignored() (out []Setting, bootstrap []bool, whys []string) {
	for _, s := range m.Settings {
		if s.Form == Flag || s.Value == "" {
			continue
		}
		known, why := m.knows(s.Name)
		if known || !m.surelyEtcds(s) {
			continue
		}
		near, _ := cluster.NearestSetting(s.Name)
		out, whys = append(out, s), append(whys, why)
		bootstrap = append(bootstrap, slices.Contains(bringsTogether, s.Name) || !isSetting(s.Name) && slices.Contains(bringsTogether, near))
	}
	return out, bootstrap, whys
}

func isSetting(name string) bool {
	_, ok := cluster.LookupSetting(name)
	return ok
}

// surelyEtcds tells whether nobody but etcd reads a variable: images of others
// have scripts that read some too, and a configuration file may have keys that
// are no flags.
func (m *Member) surelyEtcds(s Setting) bool {
	if isSetting(s.Name) || s.Form == Variable && (m.Container == nil || m.Container.image.maker == upstream) {
		return true
	}
	_, near := cluster.NearestSetting(s.Name)
	return near
}

func checkBootstrapIgnored(m *Member, r *reporter) {
	settings, bootstrap, whys := m.ignored()
	for i, s := range settings {
		if bootstrap[i] && !m.replaced(s.Name) {
			r.in(m, found{
				at: s.At, message: s.Written + ": " + whys[i], remedy: remedyFor(s), fix: s.renaming(),
			})
		}
	}
}

// replaced tells whether a member has another setting that brings it together
// with its peers, so that one that is ignored does no harm.
func (m *Member) replaced(name string) bool {
	return slices.ContainsFunc(bringsTogether, func(other string) bool {
		known, _ := m.knows(other)
		return other != name && known && m.get(other) != "" && (other != "discovery-endpoints" && other != "discovery-token" || m.get("discovery-token") != "" && m.get("discovery-endpoints") != "")
	})
}

func checkIgnored(m *Member, r *reporter) {
	settings, bootstrap, whys := m.ignored()
	for i, s := range settings {
		if !bootstrap[i] || m.replaced(s.Name) {
			r.in(m, found{at: s.At, message: s.Written + ": " + whys[i], remedy: remedyFor(s), fix: s.renaming()})
		}
	}
}

// remedyFor says what to write instead of what is ignored, in the form that it
// was written in.
func remedyFor(s Setting) string {
	form := func(name string) string {
		if s.Form == Variable {
			return variableOf(name)
		}
		return name
	}
	switch s.Name {
	case "discovery":
		return "list the members in initial-cluster, or use discovery-token and discovery-endpoints, which 3.6 and later know"
	case "discovery-token", "discovery-endpoints":
		return "list the members in initial-cluster, or use discovery, which releases before 3.7 know"
	}
	if k, ok := cluster.LookupSetting(s.Name); ok {
		switch next := k.Successor(); {
		case next == "":
			return "leave it out"
		case isSetting(next):
			return "it is " + form(next) + " now"
		default:
			return "it is " + next + " now"
		}
	}
	if near, ok := cluster.NearestSetting(s.Name); ok {
		return "write " + form(near) + ", or leave it out"
	}
	return "leave it out"
}

func variableOf(setting string) string { return cluster.Setting{Name: setting}.Env() }

// renaming is the fix for a variable that is gone: its successor if that means
// the same, else nothing.
func (s Setting) renaming() func(*editor) {
	if s.entry == nil {
		return nil
	}
	if _, near := cluster.NearestSetting(s.Name); near && !isSetting(s.Name) {
		return nil // it may be misspelt
	}
	if k, ok := cluster.LookupSetting(s.Name); ok && k.Successor() != "" {
		if next := k.Successor(); isSetting(next) && strings.HasPrefix(s.Name, "experimental-") {
			return func(e *editor) { s.entry.rename(e, variableOf(next)) }
		}
		return nil // it has to be said in another way
	}
	if slices.Contains(bringsTogether, s.Name) {
		return nil
	}
	return func(e *editor) { s.entry.remove(e) }
}

// rename, remove and set change a variable where it is written.
func (v *variable) rename(e *editor, name string) {
	switch {
	case v.entry.node != nil:
		e.setScalar(&value{doc: v.file, node: v.entry.node}, name)
	case v.item != nil && v.item.doc != nil:
		e.setScalar(v.item, name+strings.TrimPrefix(v.item.node.Value, v.name))
	case v.line > 0:
		line := v.file.line(v.line)
		at := v.file.lineStart(v.line) + strings.Index(line, v.name)
		e.replace(v.file, at, at+len(v.name), name)
	default:
		e.failed = true
	}
}

func (v *variable) remove(e *editor) {
	switch {
	case v.entry.node != nil:
		e.deleteKey(v.entry)
	case v.item != nil:
		e.deleteItem(entry{}, v.in, v.item)
	default:
		e.deleteLine(v.file, v.line)
	}
}

func (v *variable) rewrite(e *editor, text string) {
	switch {
	case v.entry.node != nil:
		e.setScalar(v.entry.value, text)
	case v.item != nil:
		e.setScalar(v.item, v.name+"="+text)
	case v.line > 0 && !strings.ContainsAny(v.file.line(v.line), "'\""):
		line := v.file.line(v.line)
		eq := strings.IndexByte(line, '=')
		e.replace(v.file, v.file.lineStart(v.line)+eq+1, v.file.lineStart(v.line)+len(line), text)
	default:
		e.failed = true
	}
}

// rewriting is the fix that gives a setting another value.
func (s Setting) rewriting(text string) func(*editor) {
	switch {
	case s.entry != nil:
		return func(e *editor) { s.entry.rewrite(e, text) }
	case s.Form == Key && s.key != nil:
		return func(e *editor) { e.setScalar(s.key, text) }
	}
	return nil
}

func checkUnknownFlag(m *Member, r *reporter) {
	for _, s := range m.Settings {
		if s.Form != Flag || s.Name == "" || unknown(s.Name) {
			continue
		}
		if known, why := m.knows(s.Name); !known {
			r.in(m, found{at: s.At, message: s.Written + ": " + why, remedy: remedyFor(s)})
		}
	}
}

// checkDeprecated looks for what works today.
func checkDeprecated(m *Member, r *reporter) {
	minor, certain := m.Release.minor()
	for _, s := range m.Settings {
		k, ok := cluster.LookupSetting(s.Name)
		if !ok || !certain || s.Value == "" {
			continue
		}
		if o, has := k.In(minor); has && o.Standing == cluster.Warned && s.Value != o.Default {
			r.in(m, found{at: s.At, message: fmt.Sprintf("%s: etcd %s warns about it", s.Written, m.Release), remedy: remedyFor(s)})
		}
	}
}

func checkSetTwice(m *Member, r *reporter) {
	for _, f := range m.Settings {
		if f.Form != Flag {
			continue
		}
		for _, v := range m.Settings {
			if v.Form == Variable && v.Name == f.Name && v.Value != "" && v.Written != "" {
				r.in(m, found{
					at: f.At, message: fmt.Sprintf("%s and %s are the same option", f.Written, v.Written),
					remedy: "keep one of them",
				})
			}
		}
	}
}

func checkListItems(m *Member, c *Container, r *reporter) {
	for _, v := range c.Variables {
		name, _, ok := strings.Cut(v.name, ":")
		if v.item == nil || !ok || !isName(name) {
			continue
		}
		_, rest, _ := strings.Cut(v.item.text, ":")
		f := found{
			at: v.at, message: fmt.Sprintf("\"%s: …\" sets no variable", name),
			remedy: fmt.Sprintf("write %s=%s", name, strings.TrimSpace(rest)),
			fix: func(e *editor) {
				e.setScalar(v.item, name+"="+strings.TrimSpace(strings.TrimPrefix(v.item.node.Value, name+":")))
			},
		}
		if !slices.Contains(bringsTogether, cluster.SettingName(name)) {
			f.severity = Warning
		}
		r.in(m, f)
	}
	for _, part := range c.v.get("environment").parts() {
		for _, item := range part.items {
			for _, e := range item.entries {
				r.in(m, found{
					at: e.at, severity: Warning, message: fmt.Sprintf("%q is a mapping in a list, which Compose refuses", e.key),
					remedy: "write the environment as one mapping, or its items as NAME=VALUE",
				})
			}
		}
	}
}

func checkEtcdctlAPI(m *Member, c *Container, r *reporter) {
	v := c.variable("ETCDCTL_API")
	if v == nil || m.Release.Known && (m.Release.Major < 3 || m.Release.Major == 3 && m.Release.Minor < 4) {
		return
	}
	f := found{at: v.at, message: fmt.Sprintf("ETCDCTL_API is %s", v.value), remedy: "leave it out"}
	if v.value == "3" {
		f.fix = v.remove
	}
	r.in(m, f)
}

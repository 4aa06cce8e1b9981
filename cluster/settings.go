package cluster

import (
	"path"
	"slices"
	"strings"
)

// Setting is one etcd setting by its flag name without dashes, such as
// "listen-peer-urls".
type Setting struct {
	Name, Value string
}

// Env gives the setting's environment variable: the flag name in capitals with
// underscores after ETCD_, which is etcd's own rule.
func (s Setting) Env() string {
	return "ETCD_" + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

// SettingsIn are those of etcd in an environment of NAME=VALUE, in its order: what
// Setting.Env has made of them, read back.
func SettingsIn(environ []string) Settings {
	var all Settings
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if setting, ok := strings.CutPrefix(name, "ETCD_"); ok {
			all = append(all, Setting{Name: strings.ReplaceAll(strings.ToLower(setting), "_", "-"), Value: value})
		}
	}
	return all
}

// Settings are a member's settings in reading order. etcd takes a setting as a
// variable or as a flag and refuses both at once, so a member uses either Env
// or Flags.
type Settings []Setting

// Get gives a setting's value, empty when it is not set. etcd, too, takes an
// empty value for an unset one.
func (s Settings) Get(name string) string {
	for _, x := range s {
		if x.Name == name {
			return x.Value
		}
	}
	return ""
}

// without gives the settings but for some.
func (s Settings) without(names ...string) Settings {
	return slices.DeleteFunc(slices.Clone(s), func(x Setting) bool { return slices.Contains(names, x.Name) })
}

// Flags gives the settings as command line flags.
func (s Settings) Flags() []string {
	flags := make([]string, len(s))
	for i, x := range s {
		flags[i] = "--" + x.Name + "=" + x.Value
	}
	return flags
}

// Variable is one environment variable.
type Variable struct {
	Name, Value string
}

// Environment gives variables by name, as scripts read them.
func Environment(variables []Variable) map[string]string {
	env := map[string]string{}
	for _, v := range variables {
		env[v.Name] = v.Value
	}
	return env
}

// Variables gives a member's whole environment: its settings in their order,
// then etcdctl's defaults, then the rest by name.
func (m Member) Variables() []Variable { return m.variables(m.etcdctl()) }

// ServerVariables are those of Variables that the member itself goes by.
func (m Member) ServerVariables() []Variable { return m.variables(nil) }

func (m Member) variables(further []Variable) []Variable {
	var vars []Variable
	for _, s := range m.Settings {
		vars = append(vars, Variable{s.Env(), s.Value})
	}
	vars = append(vars, further...)
	var rest []Variable
	for name, value := range m.Environment {
		rest = append(rest, Variable{name, value})
	}
	slices.SortFunc(rest, func(a, b Variable) int { return strings.Compare(a.Name, b.Name) })
	return append(vars, rest...)
}

// etcdctl lets a bare `etcdctl` work beside the member, its health check
// included. Endpoints are left out: etcdctl's default is the member itself, and
// a variable would make a user's own --endpoints fatal. The server's
// certificate serves because it may act as a client's too.
func (m Member) etcdctl() []Variable {
	cert := m.Settings.Get("cert-file")
	switch {
	case m.Settings.Get("auto-tls") == "true":
		return []Variable{{"ETCDCTL_INSECURE_SKIP_TLS_VERIFY", "true"}, {"ETCDCTL_INSECURE_TRANSPORT", "false"}}
	case cert == "":
		return nil
	}
	return []Variable{
		{"ETCDCTL_CACERT", path.Join(path.Dir(cert), "ca.crt")},
		{"ETCDCTL_CERT", cert},
		{"ETCDCTL_KEY", m.Settings.Get("key-file")},
	}
}

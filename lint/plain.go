package lint

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
)

// This file reads descriptions of one member that say nothing of where it runs:
// environment files, and etcd's own configuration files.

// variablesFile reads an environment file that configures a member.
func (r *reader) variablesFile(name string) error {
	vars, err := r.envFile(name)
	if err != nil {
		return err
	}
	s := r.shared(EnvFile, name)
	if !configuresMember(vars) {
		return nil
	}
	m := &Member{Service: filepath.Base(name), At: Place{name, 1, 1}, Anywhere: true, Settings: readVariables(vars, other)}
	m.host = settingsHost{file: vars[0].file}
	s.Members = append(s.Members, m)
	return nil
}

// configuration reads a configuration file of etcd.
func (r *reader) configuration(name string, data []byte) error {
	d := &document{file: name, data: data}
	root, err := parseYAML(d)
	if err != nil {
		return unreadable(name, err)
	}
	s := r.shared(ConfigFile, name)
	s.docs = append(s.docs, d)
	s.Members = append(s.Members, &Member{
		Service: filepath.Base(name), At: root.at, Anywhere: true,
		Settings: configSettings(root), host: settingsHost{keys: root},
	})
	return nil
}

// transport are the groups of keys for TLS, and how the settings in them begin.
var transport = map[string]string{"client-transport-security": "", "peer-transport-security": "peer-"}

func configSettings(root *value) []Setting {
	var out []Setting
	for _, e := range root.entries {
		prefix, grouped := transport[e.key]
		if !grouped {
			out = append(out, configSetting(e.key, e))
			continue
		}
		for _, inner := range e.value.entries {
			name := prefix + inner.key
			if inner.key == "allowed-cn" || inner.key == "allowed-hostname" || inner.key == "allowed-cns" || inner.key == "allowed-hostnames" {
				name = prefix + "cert-" + strings.TrimSuffix(inner.key, "s")
			}
			out = append(out, configSetting(name, inner))
		}
	}
	return out
}

func configSetting(name string, e entry) Setting {
	text := e.value.text
	if e.value.kind == list {
		text = strings.Join(e.value.words(), ",")
	}
	return Setting{Setting: cluster.Setting{Name: name, Value: text}, Form: Key, Written: e.key, At: e.at, key: e.value}
}

// fromConfigFile gives a member that has a configuration file the settings in
// it: etcd goes by nothing else then. A file that can't be read leaves a member
// of which only its container and its release can be judged.
func (r *reader) fromConfigFile(s *Stack, m *Member, dir string) {
	file, ok := m.find("config-file")
	if !ok {
		return
	}
	path := within(dir, m.onHost(file.Value))
	m.Settings = nil
	data, err := r.read(path)
	if err == nil {
		d := &document{file: path, data: data}
		var root *value
		if root, err = parseYAML(d); err == nil {
			m.Settings, m.host = configSettings(root), settingsHost{keys: root}
			return
		}
	}
	m.blind = true
	s.Unread = append(s.Unread, fmt.Errorf("%s: %s can't be read here, and etcd goes by nothing else: the settings of %s were not judged", file.At, file.Value, m.Service))
}

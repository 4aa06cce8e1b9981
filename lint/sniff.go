package lint

import (
	"bytes"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// sniff tells what a file describes, by its name and what it begins with;
// nothing if it is none of the known kinds.
func sniff(name string, data []byte) Kind {
	base := filepath.Base(name)
	text := bytes.TrimSpace(data)
	switch {
	case strings.HasPrefix(base, "Procfile"):
		return Procfile
	case strings.HasSuffix(base, ".service"), bytes.HasPrefix(text, []byte("[Unit]")), bytes.HasPrefix(text, []byte("[Service]")):
		return Systemd
	case strings.HasSuffix(base, ".env"), strings.HasPrefix(base, ".env"):
		return EnvFile
	case bytes.HasPrefix(text, []byte("[")), bytes.HasPrefix(text, []byte("{")):
		return Containers
	}
	var n yaml.Node
	if err := yaml.Unmarshal(data, &n); err == nil && len(n.Content) == 1 && n.Content[0].Kind == yaml.MappingNode {
		return kindOfKeys(n.Content[0])
	}
	if strings.HasSuffix(base, ".yaml") || strings.HasSuffix(base, ".yml") {
		return ComposeProject // whose reader says what is wrong with it
	}
	if looksLikeVariables(text) {
		return EnvFile
	}
	return ""
}

// kindOfKeys tells a Compose file from a configuration file of etcd.
func kindOfKeys(m *yaml.Node) Kind {
	keys := map[string]bool{}
	for i := 0; i+1 < len(m.Content); i += 2 {
		keys[m.Content[i].Value] = true
	}
	for _, k := range []string{"services", "include"} {
		if keys[k] {
			return ComposeProject
		}
	}
	for k := range keys {
		if configKeys[k] {
			return ConfigFile
		}
	}
	return ""
}

// configKeys are keys that a configuration file of a member has.
var configKeys = map[string]bool{
	"data-dir": true, "listen-client-urls": true, "listen-peer-urls": true, "initial-cluster": true,
	"advertise-client-urls": true, "initial-advertise-peer-urls": true, "client-transport-security": true,
}

func looksLikeVariables(text []byte) bool {
	found := false
	for _, line := range strings.Split(string(text), "\n") {
		line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, _, ok := strings.Cut(line, "=")
		if !ok || !isName(name) {
			return false
		}
		found = true
	}
	return found
}

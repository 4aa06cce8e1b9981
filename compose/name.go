package compose

import (
	"bytes"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// NameIn is the project's name in a Compose file that has a member of ours; empty
// otherwise. It is an error if the file has a label of ours and can't be read.
func NameIn(text []byte) (string, error) {
	var file struct {
		Name     string
		Services map[string]struct{ Labels yaml.Node }
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		if bytes.Contains(text, []byte(RoleLabel)) {
			return "", err
		}
		return "", nil // it is somebody else's: whoever reads it as a description will say why
	}
	for _, s := range file.Services {
		var labels map[string]string
		if s.Labels.Decode(&labels) == nil && labels[RoleLabel] == RoleMember {
			return file.Name, nil
		}
	}
	return "", nil
}

// Strangers are what a Compose file has that no cluster of ours has put there: services
// without a role, and parts of the file that Marshal writes none of. They are what is lost
// where another file of ours takes its place.
func Strangers(text []byte) ([]string, error) {
	var file map[string]yaml.Node
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	var services map[string]struct{ Labels yaml.Node }
	if node, ok := file["services"]; ok {
		if err := node.Decode(&services); err != nil {
			return nil, err
		}
	}
	var found []string
	for _, name := range slices.Sorted(maps.Keys(services)) {
		var labels map[string]string
		if node := services[name].Labels; node.Decode(&labels) != nil || labels[RoleLabel] == "" {
			found = append(found, name)
		}
	}
	for _, part := range []string{"include", "models"} {
		if _, ok := file[part]; ok {
			found = append(found, part)
		}
	}
	if len(services) == 0 && len(found) == 0 && len(file) > 0 {
		return slices.Sorted(maps.Keys(file)), nil
	}
	return found, nil
}

// NetworkKeys are what the networks of a Compose file are called in it; none if it can't be
// read.
func NetworkKeys(text []byte) []string {
	var file struct{ Networks map[string]yaml.Node }
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(file.Networks))
}

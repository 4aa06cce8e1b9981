package compose

import "go.yaml.in/yaml/v3"

// NameIn is the project's name in a Compose file that has a member of ours;
// empty otherwise.
func NameIn(text []byte) string {
	var file struct {
		Name     string
		Services map[string]struct{ Labels yaml.Node }
	}
	if yaml.Unmarshal(text, &file) != nil {
		return "" // whoever reads it as a description will say why
	}
	for _, s := range file.Services {
		var labels map[string]string
		if s.Labels.Decode(&labels) == nil && labels[RoleLabel] == RoleMember {
			return file.Name
		}
	}
	return ""
}

package compose

import (
	"bytes"

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

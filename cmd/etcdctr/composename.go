package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

// composeFile is what `etcdctr compose` is mostly written into.
const composeFile = "docker-compose.yml"

// nameByFolder names a cluster that is named nowhere else by the Compose file in
// its folder, if `etcdctr compose` has made that.
func (f *clusterFlags) nameByFolder(spec *cluster.Spec) error {
	text, err := os.ReadFile(filepath.Join(f.dir(), composeFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read %s for the name of the cluster: %w", composeFile, err)
	}
	if name := nameInCompose(text); name != "" && name != cluster.DefaultName {
		return spec.Set("name", name)
	}
	return nil
}

// nameInCompose is the project's name in a Compose file that has a member of ours;
// empty otherwise.
func nameInCompose(text []byte) string {
	var file struct {
		Name     string
		Services map[string]struct{ Labels yaml.Node }
	}
	if yaml.Unmarshal(text, &file) != nil {
		return "" // whoever reads it as a description will say why
	}
	for _, s := range file.Services {
		var labels map[string]string
		if s.Labels.Decode(&labels) == nil && labels[compose.RoleLabel] == compose.RoleMember {
			return file.Name
		}
	}
	return ""
}

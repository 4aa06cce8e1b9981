package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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
	if name := compose.NameIn(text); name != "" && name != cluster.DefaultName {
		return spec.Set("name", name)
	}
	return nil
}

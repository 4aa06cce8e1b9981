package target

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/compose"
)

// composeFile is what `etcdctr compose` is mostly written into.
const composeFile = "docker-compose.yml"

// WarnOfComposeFile says that the Compose file in the folder is not true any more, and what
// writes it anew: Docker Compose would take back what it does not say.
func (f *Found) WarnOfComposeFile(ctx context.Context) error {
	path := filepath.Join(f.flags.Dir(), composeFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil //nolint:nilerr // it is not there
	}
	if name, err := compose.NameIn(text); err != nil || name != f.Name() {
		return nil //nolint:nilerr // it is another one's, or Docker Compose can't go by it either
	}
	differs, err := f.engines.compare(ctx, f, path, text)
	if err != nil || differs == "" {
		return err
	}
	command := []string{"compose"}
	if f.flags.File != "" {
		command = append(command, "--file", f.flags.File)
	}
	for _, v := range f.Spec().Flags() {
		command = append(command, flagWords(f.flags.cmd.Flag(v.Name), v.Value)...)
	}
	anew := fmt.Sprintf("`%s` writes it anew", etcdctr.Typed(append(command, "--output", path)))
	if strangers, err := compose.Strangers(text); err == nil && len(strangers) > 0 { // which that command keeps
		anew += fmt.Sprintf(", once what is yours in it (%s) is in docker-compose.override.yml", strings.Join(strangers, ", "))
	}
	f.flags.world.Warn("%s does not describe %s as it is (%s), and `docker compose up` would go by it: %s",
		path, f.Name(), differs, anew)
	return nil
}

// nameByFolder names a cluster that is named nowhere else by the Compose file in
// its folder, if `etcdctr compose` has made that.
func (f *Flags) nameByFolder(spec *cluster.Spec) error {
	if spec.Name != "" {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(f.Dir(), composeFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	name := ""
	if err == nil {
		name, err = compose.NameIn(text)
	}
	if err != nil {
		err = fmt.Errorf("cannot read %s, which may name the cluster: %w", filepath.Join(f.Dir(), composeFile), err)
		return hints.Usage(hints.With(err, "put it right, or say which cluster is meant: --name, or name in %s", DefaultFile))
	}
	if name != "" && name != cluster.DefaultName {
		return spec.Set("name", name)
	}
	return nil
}

// hasComposeFile tells whether `etcdctr compose` has made the Compose file in the folder.
func (f *Flags) hasComposeFile() bool {
	text, err := os.ReadFile(filepath.Join(f.Dir(), composeFile))
	if err != nil {
		return false
	}
	name, err := compose.NameIn(text)
	return err == nil && name != ""
}

package docker

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

// Docker Compose takes a service that reads its environment from a file for the one that
// spells it, and starts nothing anew.
func TestAFileWithEnvironmentFilesSaysWhatOneSaysThatSpellsThem(t *testing.T) {
	c, err := cluster.Resolve(cluster.Spec{Name: "orders", TLS: "none"}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "env"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, m := range c.Members {
		if err := os.WriteFile(filepath.Join(dir, "env", compose.EnvFileName(m)), compose.EnvFile(m), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(envDir string) *File {
		text, err := compose.Marshal(t.Context(), c, compose.Project(c, compose.Options{EnvDir: envDir}))
		if err != nil {
			t.Fatal(err)
		}
		f, err := ReadFile(t.Context(), filepath.Join(dir, "docker-compose.yml"), text)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	spelt, fromFiles := read(""), read("env")
	for name, s := range spelt.project.Services {
		if diff := cmp.Diff(s, fromFiles.project.Services[name]); diff != "" {
			t.Errorf("%s (-spelt +from files):\n%s", name, diff)
		}
	}
}

package lint

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// plainService is what both readers make of a service.
type plainService struct {
	Image, Restart, ContainerName, User, LogDriver string
	ReadOnly                                       bool
	Command, Entrypoint, CapDrop, Test             []string
	Environment, Ports, Mounts, DependsOn          []string
}

// TestComposeFilesAreReadAsComposeReadsThem compares what is made of every
// Compose file of the corpus, and of those below, with what compose-go makes of
// it.
func TestComposeFilesAreReadAsComposeReadsThem(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	further, err := filepath.Glob("testdata/compose/*.txtar")
	if err != nil || len(further) == 0 {
		t.Fatalf("no further files: %v", err)
	}
	compared := 0
	for _, file := range append(files, further...) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := unpack(t, a)
			inputs := composeInputs(a, dir)
			if inputs == nil {
				return // no Compose file, or one that Compose refuses
			}
			want, got := byComposeGo(t, dir, inputs), byLint(t, inputs)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("differs (-compose-go +lint):\n%s", diff)
			}
			compared += len(got)
		})
	}
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

func unpack(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range a.Files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// composeInputs are the files of an archive that are one Compose project.
func composeInputs(a *txtar.Archive, dir string) []string {
	names := []string{a.Files[0].Name}
	if names[0] == "inputs" {
		names = strings.Fields(string(a.Files[0].Data))
	}
	for i, name := range names {
		if !strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, "compose.yml") {
			return nil
		}
		names[i] = filepath.Join(dir, name)
	}
	if strings.Contains(string(a.Comment), "Compose refuses") {
		return nil
	}
	return names
}

func byComposeGo(t *testing.T, dir string, files []string) map[string]plainService {
	t.Helper()
	env, err := cli.NewProjectOptions(files, cli.WithWorkingDirectory(dir), cli.WithEnvFiles(), cli.WithDotEnv)
	if err != nil {
		t.Fatal(err)
	}
	details := types.ConfigDetails{WorkingDir: dir, Environment: env.Environment}
	for _, f := range files {
		details.ConfigFiles = append(details.ConfigFiles, types.ConfigFile{Filename: f})
	}
	p, err := loader.LoadWithContext(context.Background(), details, func(o *loader.Options) {
		o.SetProjectName("corpus", true)
		o.ResolvePaths, o.SkipResolveEnvironment, o.Profiles = false, true, []string{"*"}
	})
	if err != nil {
		t.Fatalf("Compose refuses it: %v", err)
	}
	out := map[string]plainService{}
	for name, s := range p.Services {
		plain := plainService{
			Image: s.Image, Restart: s.Restart, ContainerName: s.ContainerName, User: s.User, ReadOnly: s.ReadOnly,
			Command: s.Command, Entrypoint: s.Entrypoint, CapDrop: s.CapDrop,
		}
		if s.Logging != nil {
			plain.LogDriver = s.Logging.Driver
		}
		if s.HealthCheck != nil {
			plain.Test = s.HealthCheck.Test
		}
		for k, v := range s.Environment {
			if v != nil {
				plain.Environment = append(plain.Environment, k+"="+*v)
			}
		}
		for _, one := range s.Ports {
			plain.Ports = append(plain.Ports, fmt.Sprintf("%s:%s:%d", one.HostIP, one.Published, one.Target))
		}
		for _, v := range s.Volumes {
			plain.Mounts = append(plain.Mounts, v.Type+":"+v.Target)
		}
		for d, c := range s.DependsOn {
			plain.DependsOn = append(plain.DependsOn, d+":"+c.Condition)
		}
		out[name] = plain.sorted()
	}
	return out
}

func byLint(t *testing.T, files []string) map[string]plainService {
	t.Helper()
	r := &reader{used: map[string]bool{}, given: map[string][]byte{}}
	p, err := r.composeProject(files)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]plainService{}
	for _, s := range p.services {
		c := r.container(p, s)
		plain := plainService{
			Image: c.Image, Restart: c.Restart, ContainerName: c.ContainerName, User: c.User, ReadOnly: c.ReadOnly,
			Command: texts(c.Command), Entrypoint: texts(c.Entrypoint), CapDrop: c.CapDrop, LogDriver: c.LogDriver, Test: c.Health.test,
		}
		vars := map[string]string{}
		for _, v := range r.variables(s.v.get("environment")) {
			vars[v.name] = v.value
			if !v.set {
				delete(vars, v.name)
			}
		}
		for k, v := range vars {
			plain.Environment = append(plain.Environment, k+"="+v)
		}
		for _, one := range c.Ports {
			plain.Ports = append(plain.Ports, fmt.Sprintf("%s:%s:%d", one.hostIP, one.published, one.target))
		}
		for _, m := range mounts(s.v.get("volumes")) {
			plain.Mounts = append(plain.Mounts, m.kind+":"+m.target)
		}
		for _, d := range c.DependsOn {
			condition := d.condition
			if condition == "" {
				condition = "service_started"
			}
			plain.DependsOn = append(plain.DependsOn, d.service+":"+condition)
		}
		out[s.name] = plain.sorted()
	}
	return out
}

func texts(words []word) []string {
	var out []string
	for _, w := range words {
		out = append(out, w.text)
	}
	return out
}

// sorted gives empty lists one form, and an order to those that have none.
func (p plainService) sorted() plainService {
	for _, l := range []*[]string{&p.Environment, &p.Ports, &p.Mounts, &p.DependsOn, &p.CapDrop} {
		slices.Sort(*l)
		*l = slices.Compact(*l)
	}
	for _, l := range []*[]string{&p.Command, &p.Entrypoint, &p.Environment, &p.Ports, &p.Mounts, &p.DependsOn, &p.CapDrop, &p.Test} {
		if len(*l) == 0 {
			*l = nil
		}
	}
	return p
}

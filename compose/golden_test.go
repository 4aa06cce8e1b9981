package compose_test

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden holds every testdata/*.txtar to its word: from etcdctr.yaml come
// either docker-compose.yml and the warnings, or the error. Where its name begins with
// known-, the members know each other by a file, as on Podman.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			golden, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want := split(t, golden)
			place := cluster.Placement(cluster.InContainers)
			if strings.HasPrefix(filepath.Base(file), "known-") {
				place = cluster.InKnownContainers
			}
			got := results(t, input, place)
			if diff := cmp.Diff(want, got); diff == "" {
				return
			} else if !*update {
				t.Fatalf("%s differs (-want +got); -update rewrites it:\n%s", file, diff)
			}
			rewrite(t, file, golden.Comment, input, got)
		})
	}
}

// order is that of the files in an archive.
var order = []string{"docker-compose.yml", "warnings", "error"}

func split(t *testing.T, a *txtar.Archive) (input []byte, want map[string]string) {
	t.Helper()
	want = map[string]string{}
	for _, f := range a.Files {
		if f.Name == "etcdctr.yaml" {
			input = f.Data
			continue
		}
		want[f.Name] = string(f.Data)
	}
	return input, want
}

// results renders a cluster file and, as Compose would, loads what came out.
func results(t *testing.T, input []byte, place cluster.Placement) map[string]string {
	t.Helper()
	ctx := context.Background()
	spec, err := cluster.Load("etcdctr.yaml", input)
	if err != nil {
		return map[string]string{"error": err.Error() + "\n"}
	}
	c, err := cluster.Resolve(spec, place)
	if err != nil {
		return map[string]string{"error": err.Error() + "\n"}
	}
	if c.SpansMachines() {
		c = c.Only(c.Members[len(c.Members)-1].Name)
	}
	file, err := compose.Marshal(ctx, c, compose.Project(c, options(c)))
	if err != nil {
		t.Fatal(err)
	}
	if c.Runtime == cluster.Swarm { // a stack has no name in its file
		return withWarnings(c, file)
	}
	dir := t.TempDir()
	read, err := compose.Load(ctx, "docker-compose.yml", file, dir)
	if err != nil {
		t.Fatal(err)
	}
	wantLoaded(t, c, dir, read)
	return withWarnings(c, file)
}

// wantLoaded wants what is run of a cluster to be what is read from its file.
func wantLoaded(t *testing.T, c *cluster.Cluster, dir string, read *types.Project) {
	t.Helper()
	loaded, err := compose.Loaded(t.Context(), compose.Project(c, options(c)), dir)
	if err != nil {
		t.Fatal(err)
	}
	read.Extensions = nil // the anchors' place
	if diff := cmp.Diff(inJSON(t, read), inJSON(t, loaded)); diff != "" {
		t.Errorf("what is run is not what is read (-read +run):\n%s", diff)
	}
}

// inJSON is what the hashes of a project's objects are made of.
func inJSON(t *testing.T, p *types.Project) string {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	for _, part := range []any{p.Name, p.WorkingDir, p.ComposeFiles, p.Services, p.Networks, p.Volumes, p.Configs, p.Secrets} {
		if err := e.Encode(part); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func withWarnings(c *cluster.Cluster, file []byte) map[string]string {
	got := map[string]string{"docker-compose.yml": string(file)}
	for _, w := range c.Warnings {
		got["warnings"] += w.String() + "\n"
	}
	return got
}

func rewrite(t *testing.T, file string, comment, input []byte, got map[string]string) {
	t.Helper()
	a := &txtar.Archive{Comment: comment, Files: []txtar.File{{Name: "etcdctr.yaml", Data: input}}}
	for _, name := range order {
		if data, ok := got[name]; ok {
			a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(data)})
		}
	}
	if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// options have every file beside the Compose file.
func options(c *cluster.Cluster) compose.Options {
	o := compose.Options{CertsDir: "./certs", DNSDir: "./dns/" + c.Name, MonitoringDir: "./monitoring/" + c.Name}
	if c.Backup != nil {
		o.Backups = "./backups"
	}
	o.Contents = map[string][]byte{}
	for _, m := range c.Members {
		for _, f := range compose.IdentityFiles() {
			o.Contents[f.Of(m.Name)] = []byte(f.Of(""))
			if !strings.HasPrefix(f.Name, "c") { // authorities and lists are the same for all
				o.Contents[f.Of(m.Name)] = []byte(f.Of(m.Name))
			}
		}
	}
	if c.Discovery != nil {
		o.Credentials = c.Discovery.Credentials.In("./discovery")
	}
	return o
}

package stack

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"golang.org/x/tools/txtar"
)

// The hashes are what `docker compose config --hash '*'` of v5.5.1 prints, and
// what its `up` writes on networks and volumes. A compose-go that marshals
// otherwise makes other hashes, and Compose would then recreate what etcdctr
// made.
func TestHashesAreThoseOfCompose(t *testing.T) {
	w := wanted(t, three)
	for name, want := range map[string]string{"etcd1": "9709e80471f5a338933fe8dbbaa8ce9d2461cda5edbe876471750feb71e3caeb", "etcd2": "b9c9e93f508d68d8f535b53af00982e3826f6dda0b06679ac57fbf855af3aa35"} {
		if got, err := serviceHash(w.Project.Services[name]); err != nil || got != want {
			t.Errorf("hash of %s: %s, %v, want %s", name, got, err, want)
		}
	}
	if got, err := networkHash(w.Project.Networks["cluster"]); err != nil || got != "a1eff4fda23c8f10feab767a308174f2bee93dde794b6209305a9554f8b8b36f" {
		t.Errorf("hash of the network: %s, %v, want another", got, err)
	}
	if got, err := volumeHash(w.Project.Volumes["etcd1-data"]); err != nil || got != "fdcb681b8b9342dbe10341668248996328b8bc774a0a4b7a200286b1cec81064" {
		t.Errorf("hash of the volume: %s, %v, want another", got, err)
	}
}

// A compose-go whose structs have their fields in another order makes the same hash.
func TestTheOrderOfFieldsIsPinned(t *testing.T) {
	for in, want := range map[string]string{
		`{"working_dir":"/","image":"etcd","cap_drop":["ALL"]}`: `{"cap_drop":["ALL"],"image":"etcd","working_dir":"/"}`,
		`{"umask":"1","image":"etcd","command":null}`:           `{"command":null,"image":"etcd","umask":"1"}`,
	} {
		got, err := inOrderOf(hashOrder, []byte(in))
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v, want %s", in, got, err, want)
		}
	}
}

// hashed is a project with every key that our files have, and what Compose makes of
// it: `docker compose config --hash '*'`, which e2e runs anew.
func hashed(t *testing.T) (project *types.Project, hashes map[string]string) {
	t.Helper()
	const dir = "testdata/hash"
	data, err := os.ReadFile(dir + "/docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	project = load(t, data)
	text, err := os.ReadFile(dir + "/hashes")
	if err != nil {
		t.Fatal(err)
	}
	hashes = map[string]string{}
	for line := range strings.Lines(string(text)) {
		service, hash, _ := strings.Cut(strings.TrimSpace(line), " ")
		hashes[service] = hash
	}
	return project, hashes
}

func TestHashesOfEveryKeyAreThoseOfCompose(t *testing.T) {
	project, want := hashed(t)
	for name, s := range project.Services {
		if got, err := serviceHash(s); err != nil || got != want[name] {
			t.Errorf("hash of %s: %s, %v, want %s", name, got, err, want[name])
		}
	}
}

// What compose writes, and nothing else decides, is what Compose may recreate for.
func TestEveryKeyOfOurFilesIsHashed(t *testing.T) {
	project, _ := hashed(t)
	covered := keysOf(t, project.Services["all"])
	files, err := filepath.Glob("../compose/testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d goldens: %v", len(files), err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if f.Name != "docker-compose.yml" || strings.HasPrefix(filepath.Base(file), "swarm") {
				continue // a stack file is not for Compose
			}
			for name, s := range load(t, f.Data).Services {
				for key := range keysOf(t, s) {
					if !covered[key] {
						t.Errorf("%s: %s has %s, which testdata/hash does not have", file, name, key)
					}
				}
			}
		}
	}
}

// keysOf are the keys of a service as JSON has them, but for those that hashes leave
// out.
func keysOf(t *testing.T, s types.ServiceConfig) map[string]bool {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := json.Unmarshal(data, &values); err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for key, value := range values {
		if value != nil && key != "env_file" {
			keys[key] = true
		}
	}
	return keys
}

func load(t *testing.T, file []byte) *types.Project {
	t.Helper()
	p, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: "/", ConfigFiles: []types.ConfigFile{{Filename: "docker-compose.yml", Content: file}}, Environment: types.Mapping{},
	}, func(o *loader.Options) { o.SkipResolveEnvironment = true })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

package images

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rogpeppe/go-internal/txtar"
)

// The programs that tests pack are small ones, compiled from
// testdata/programs.txtar under the module paths and with the build
// information of the real ones.

const testVersion = "v3.7.3"

var testPlatform = v1.Platform{OS: "linux", Architecture: runtime.GOARCH}

var built struct {
	sync.Mutex
	root string
	dirs map[string]string
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.root != "" {
		os.RemoveAll(built.root)
	}
	os.Exit(code)
}

// programs gives a folder with etcd, etcdctl, etcdutl and the etcdctr that is
// all three, compiled once for each version and environment.
func programs(t *testing.T, version string, env ...string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	key := version
	for _, e := range env {
		key += " " + e
	}
	if dir, ok := built.dirs[key]; ok {
		return dir
	}
	if built.dirs == nil {
		built.dirs = map[string]string{}
	}
	dir := compile(t, version, env)
	built.dirs[key] = dir
	return dir
}

func compile(t *testing.T, version string, env []string) string {
	t.Helper()
	if built.root == "" {
		root, err := os.MkdirTemp("", "etcdctr-images-")
		if err != nil {
			t.Fatal(err)
		}
		built.root = root
	}
	src, err := os.MkdirTemp(built.root, "src-")
	if err != nil {
		t.Fatal(err)
	}
	archive, err := txtar.ParseFile("testdata/programs.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		data := []byte(os.Expand(string(f.Data), func(string) string { return version }))
		write(t, filepath.Join(src, f.Name), data)
	}
	for name, folder := range map[string]string{"etcd": "server", "etcdctl": "etcdctl", "etcdutl": "etcdutl", "etcdctr": "etcdctr"} {
		cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(src, "bin", name), ".")
		cmd.Dir = filepath.Join(src, folder)
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off", "CGO_ENABLED=0", "GOOS=linux")
		cmd.Env = append(cmd.Env, env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, out)
		}
	}
	return filepath.Join(src, "bin")
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// copyPrograms gives a folder of the test's own with the three programs, to be
// changed as it pleases.
func copyPrograms(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range Names {
		copyFile(t, filepath.Join(programs(t, version), name), filepath.Join(dir, name))
	}
	return dir
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, data)
}

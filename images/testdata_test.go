package images

import (
	"fmt"
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

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	root, err := os.MkdirTemp("", "etcdctr-images-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer discard(root)
	built.root, built.dirs = root, map[string]string{}
	return m.Run()
}

// programs gives a folder with etcd, etcdctl, etcdutl and the etcdctr that is
// all three, of one release, compiled once.
func programs(t *testing.T, version string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if dir, ok := built.dirs[version]; ok {
		return dir
	}
	src := filepath.Join(built.root, version)
	archive, err := txtar.ParseFile("testdata/programs.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		data := os.Expand(string(f.Data), func(string) string { return version })
		write(t, filepath.Join(src, f.Name), []byte(data))
	}
	bin := filepath.Join(src, "bin")
	for name, folder := range map[string]string{"etcd": "server", "etcdctl": "etcdctl", "etcdutl": "etcdutl", "etcdctr": "etcdctr"} {
		compile(t, filepath.Join(src, folder), filepath.Join(bin, name))
	}
	built.dirs[version] = bin
	return bin
}

func compile(t *testing.T, module, output string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-trimpath", "-o", output, ".")
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off", "GOOS=linux", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", module, err, out)
	}
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
func copyPrograms(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range Names {
		copyFile(t, filepath.Join(programs(t, testVersion), name), filepath.Join(dir, name))
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

package images

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/etcdctr/etcdctr/internal/scratch"
)

// Module compiles etcd's Go modules with the Go toolchain of this machine. It
// is how any release becomes an image for any platform without a download from
// upstream; the modules come through the Go proxy, checked against the
// checksum database, as the go command is configured.
type Module struct {
	Version  string // "v3.6.16"
	Cache    Cache
	Progress Progress
}

// libraries are etcd's other modules. The programs of a pre-release may require those
// of an earlier one: with the programs of v3.8.0-alpha.0 alone go links the libraries of
// v3.7.0-beta.0, which is what etcd calls itself then.
var libraries = []string{versionModule, "go.etcd.io/etcd/client/pkg/v3", "go.etcd.io/etcd/client/v3", "go.etcd.io/etcd/pkg/v3"}

// ErrNoGo is found in the error of Module on a machine without a Go toolchain.
var ErrNoGo = errors.New("no Go toolchain found")

// Binaries compiles the three programs, or takes the ones compiled earlier by
// the same toolchain.
func (m Module) Binaries(ctx context.Context, platform v1.Platform) (*Binaries, error) {
	goVersion, err := m.toolchain(ctx)
	if err != nil {
		return nil, err
	}
	key := strings.Join([]string{"modules", m.Version, goVersion, platform.OS + "-" + platform.Architecture}, "/")
	dir, err := m.Cache.folder(ctx, key, func(dir string) error { return m.compile(ctx, platform, dir) })
	if err != nil {
		return nil, fmt.Errorf("build etcd %s from its modules: %w", m.Version, err)
	}
	b, err := binariesIn(dir, "module "+m.Version+", "+goVersion, platform)
	if err == nil && b.Version != m.Version {
		return nil, fmt.Errorf("build etcd %s from its modules: it came out as %s: choose another release", m.Version, b.Version)
	}
	return b, err
}

// toolchain asks for the version of Go that would compile.
func (m Module) toolchain(ctx context.Context) (string, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return "", fmt.Errorf("build etcd %s from its modules: %w", m.Version, ErrNoGo)
	}
	c := goCommand{dir: os.TempDir()}
	return c.run(ctx, "env", "GOVERSION")
}

// compile builds the programs in a module of its own that requires exactly one
// release of etcd. `go install …@version` cannot: upstream's modules replace
// each other by relative paths, which it refuses.
func (m Module) compile(ctx context.Context, platform v1.Platform, dir string) error {
	work, remove, err := scratch.Make("", "etcdctr-module")
	if err != nil {
		return err
	}
	defer func() { _ = remove() }()
	if err := os.WriteFile(filepath.Join(work, "go.mod"), []byte("module image\n"), 0o644); err != nil {
		return err
	}
	var modules, packages []string
	for _, name := range Names {
		modules = append(modules, mainPackages[name]+"@"+m.Version)
		packages = append(packages, mainPackages[name])
	}
	for _, name := range libraries {
		modules = append(modules, name+"@"+m.Version)
	}
	event := Event{Item: "etcd " + m.Version + " for " + platform.String(), Action: "compiling"}
	m.Progress.report(event)
	c := goCommand{dir: work, platform: platform, line: func(detail string) {
		event.Detail = detail
		m.Progress.report(event)
	}}
	if _, err := c.run(ctx, append([]string{"get"}, modules...)...); err != nil {
		return err
	}
	build := []string{"build", "-v", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", dir + string(filepath.Separator)}
	if _, err := c.run(ctx, append(build, packages...)...); err != nil {
		return err
	}
	event.Detail, event.Done = "", true
	m.Progress.report(event)
	// The folder of etcd's main package is called server.
	return os.Rename(filepath.Join(dir, "server"), filepath.Join(dir, "etcd"))
}

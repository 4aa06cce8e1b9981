//go:build e2e && linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/pages"
)

// TestPagesOnAnEngine types what those pages show that take an engine. Their
// cluster is called what the suite calls it, by the variable that stands for --name.
func TestPagesOnAnEngine(t *testing.T) {
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, file := range files {
		p, err := pages.Parse(filepath.Base(file), readFile(t, file))
		if err != nil {
			t.Fatal(err)
		}
		if !p.Docker {
			continue
		}
		ran++
		t.Run(p.Name, func(t *testing.T) { typePage(t, p) })
	}
	if ran == 0 {
		t.Error("no page takes an engine")
	}
}

func typePage(t *testing.T, p *pages.Page) {
	t.Helper()
	s := newStack(t)
	ownImage := "localhost/etcd:" + cluster.KnownPatches[cluster.NewestMinor].String() // as image build calls it
	removeImageAfter(t, ownImage)
	nameImage(t, s.ref, cluster.OfficialImage+":"+cluster.DefaultVersion.String())
	nameImage(t, dnsImage(t), cluster.DefaultDNSImage)
	r := &pages.Runner{Dir: s.dir, Env: append(engineEnvironment(t), "ETCDCTR_NAME="+s.name), Log: t.Logf}
	if err := r.Run(t.Context(), p); err != nil {
		t.Error(err)
	}
}

// engineEnvironment is that of somebody with etcdctr and the Compose plugin.
func engineEnvironment(t *testing.T) []string {
	t.Helper()
	home := t.TempDir()
	plugin, err := exec.LookPath("docker-compose")
	if err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{
		"bin/etcdctr": etcdctrBinary(t), "bin/etcdctl": etcdctrBinary(t), ".docker/cli-plugins/docker-compose": plugin,
	} {
		link = filepath.Join(home, link)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	return append(os.Environ(), "PATH="+filepath.Join(home, "bin")+":"+os.Getenv("PATH"), "HOME="+home, "XDG_CACHE_HOME="+home,
		"LC_ALL=C.UTF-8", "NO_COLOR=1")
}

// nameImage gives an image the name that pages call it by, where the engine knows
// none of it.
func nameImage(t *testing.T, ref, name string) {
	t.Helper()
	if exec.CommandContext(t.Context(), "docker", "image", "inspect", name).Run() == nil {
		return
	}
	removeImageAfter(t, name)
	run(t, "", "docker", "tag", ref, name)
}

func removeImageAfter(t *testing.T, name string) {
	t.Helper()
	t.Cleanup(func() {
		out, err := output(exec.Command("docker", "image", "rm", name), "")
		if err != nil && !strings.Contains(err.Error(), "No such image") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

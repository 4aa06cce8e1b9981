//go:build e2e && linux

package e2e

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// released gives the one file of the release that a pattern names.
func released(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(handedIn(t, envRelease), pattern))
	if err != nil || len(files) != 1 {
		t.Fatalf("%s: the release has %q: %v", pattern, files, err)
	}
	return files[0]
}

// packageHost is a container that packages are installed into.
type packageHost struct {
	t    *testing.T
	name string
}

// newPackageHost starts a container of a root file system.
func newPackageHost(t *testing.T, root string) packageHost {
	t.Helper()
	b := packageHost{t, uniqueName(namePrefix)}
	t.Cleanup(func() {
		for _, args := range [][]string{{"rm", "--force", "--volumes", b.name}, {"image", "rm", b.name}} {
			if _, err := output(exec.Command("docker", args...), ""); err != nil {
				t.Error(err)
			}
		}
	})
	run(t, "", "docker", "import", root, b.name)
	run(t, "", "docker", "run", "--detach", "--init", "--name", b.name, "--network", "none", b.name, "sleep", "infinity")
	return b
}

func (b packageHost) run(command string) string {
	b.t.Helper()
	return run(b.t, "", "docker", "exec", b.name, "bash", "-euc", command)
}

func (b packageHost) want(want, command string) {
	b.t.Helper()
	if got := b.run(command); !strings.Contains(got, want) {
		b.t.Errorf("%s: prints\n%s, want %q", command, got, want)
	}
}

// everyday is what somebody does first: a cluster, without anything but the
// program.
const everyday = `cd /root && etcdctr up --detach --runtime process --progress quiet && etcdctr health &&
etcdctr etcdctl put greeting hello && etcdctr down --volumes --yes && etcdctr image build --output tar:/root/image.tar`

func TestTheDebianPackageInstallsRunsAndIsRemoved(t *testing.T) {
	b := newPackageHost(t, handedIn(t, envSystemd))
	run(t, "", "docker", "cp", released(t, "*.deb"), b.name+":/root/etcdctr.deb")
	b.want("Setting up etcdctr", "dpkg --install /root/etcdctr.deb")
	b.want("ok installed", "dpkg-query --show --showformat '${Status}' etcdctr")
	b.want("/usr/share/man/man1/etcdctr-up.1.gz", "dpkg --listfiles etcdctr")
	b.want(".SH NAME\netcdctr-up - Start the cluster", "zcat /usr/share/man/man1/etcdctr-up.1.gz")
	b.want("__start_etcdctr", "cat /usr/share/bash-completion/completions/etcdctr")
	b.want("etcdctr v", "etcdctr version")
	b.want("OK", everyday)
	b.run("dpkg --verify etcdctr")
	b.run("dpkg --purge etcdctr")
	if left := b.run("find /usr /etc /var -name '*etcdctr*' -not -path '/var/log/*'"); left != "" {
		t.Errorf("removed, it leaves\n%s", left)
	}
}

// The container's root is that of a Debian, as there is no other: rpm of this
// machine works on it from outside.
func TestTheRPMPackageInstallsRunsAndIsRemoved(t *testing.T) {
	root := t.TempDir()
	rpm := func(args ...string) string {
		return run(t, "", "rpm", append([]string{"--root", root}, args...)...)
	}
	run(t, "", "tar", "-C", root, "-xf", handedIn(t, envSystemd))
	rpm("--initdb")
	rpm("--install", released(t, "*.rpm"))
	if info := rpm("--query", "--info", "etcdctr"); !strings.Contains(info, "Apache-2.0") {
		t.Errorf("the package says\n%s", info)
	}
	if files := rpm("--query", "--list", "etcdctr"); !strings.Contains(files, "/usr/share/zsh/site-functions/_etcdctr") {
		t.Errorf("the package has\n%s", files)
	}
	archive := filepath.Join(t.TempDir(), "root.tar")
	run(t, "", "tar", "-C", root, "-cf", archive, ".")
	b := newPackageHost(t, archive)
	b.want("OK", everyday)

	rpm("--verify", "etcdctr")
	rpm("--erase", "etcdctr")
	if left := run(t, root, "find", "usr", "etc", "-name", "*etcdctr*"); left != "" {
		t.Errorf("removed, it leaves\n%s", left)
	}
}

// What the archive holds is what a reader of install.sh gets.
func TestAnArchiveOfTheReleaseHoldsAWholeProgram(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, "tar", "--strip-components", "1", "-xzf", released(t, "*_linux_*.tar.gz"))
	etcdctr := filepath.Join(dir, "etcdctr")
	version, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(released(t, "*_linux_*.tar.gz")), "etcdctr_"), "_linux_")
	wantOutput(t, "etcdctr v"+version+" ", etcdctr, "version")
	wantOutput(t, "localhost/etcd:", etcdctr, "image", "build", "--output", "tar:"+filepath.Join(dir, "image.tar"))
	script, err := os.ReadFile(filepath.Join(dir, "completion", "_etcdctr"))
	if err != nil || !strings.HasPrefix(string(script), "#compdef etcdctr") {
		t.Errorf("zsh's completion is %.40q: %v", script, err)
	}
	run(t, handedIn(t, envRelease), "sha256sum", "--check", "--strict", "SHA256SUMS")
}

// TestGoInstallGivesAProgramThatKnowsItsVersion has the tree as a release of the
// module, at a proxy that is a folder, and installs it as somebody would.
func TestGoInstallGivesAProgramThatKnowsItsVersion(t *testing.T) {
	const version = "v0.1.0"
	proxy, bin := filepath.Join(t.TempDir(), "proxy"), t.TempDir()
	writeModule(t, filepath.Join(proxy, "github.com", "etcdctr", "etcdctr", "@v"), version)
	cache := strings.TrimSpace(run(t, "", "go", "env", "GOMODCACHE"))
	cmd := exec.CommandContext(t.Context(), "go", "install", "github.com/etcdctr/etcdctr/cmd/etcdctr@"+version)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GOBIN="+bin, "CGO_ENABLED=0", "GONOSUMDB=*", "GOFLAGS=-modcacherw -trimpath -buildvcs=false", "GOMODCACHE="+t.TempDir(),
		"GOPROXY=file://"+proxy+",file://"+filepath.Join(cache, "cache", "download"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	installed := filepath.Join(bin, "etcdctr")
	wantOutput(t, "etcdctr "+version+" (", installed, "version")
	wantOutput(t, "carries no image", installed, "version")
	wantOutput(t, "localhost/etcd:", installed, "image", "build", "--output", "tar:"+filepath.Join(bin, "etcd.tar"))
}

// writeModule writes what a module proxy has of a version of this module: all files
// of the repository but those of other modules in it.
func writeModule(t *testing.T, dir, version string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "list"), version+"\n")
	writeFile(t, filepath.Join(dir, version+".mod"), readFile(t, "../go.mod"))
	writeFile(t, filepath.Join(dir, version+".info"), `{"Version":"`+version+`","Time":"2026-01-01T00:00:00Z"}`)
	file, err := os.Create(filepath.Join(dir, version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	archive := zip.NewWriter(file)
	for name := range strings.Lines(run(t, "..", "git", "ls-files", "--cached", "--others", "--exclude-standard")) {
		name = strings.TrimSpace(name)
		if strings.HasPrefix(name, "tools/") {
			continue
		}
		w, err := archive.Create("github.com/etcdctr/etcdctr@" + version + "/" + name)
		if err == nil {
			_, err = w.Write([]byte(readFile(t, filepath.Join("..", name))))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
}

//go:build e2e

package e2e

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
)

// Where etcd images come from, each source with real programs.

var release = "etcd-" + cluster.DefaultVersion.String() + "-linux-" + runtime.GOARCH

// publishRelease serves the newest etcd the way upstream publishes it, from a
// folder and on loopback, and gives both.
func publishRelease(t *testing.T) (url, folder string) {
	t.Helper()
	root := t.TempDir()
	folder = filepath.Join(root, cluster.DefaultVersion.String())
	unpacked := filepath.Join(t.TempDir(), release)
	for _, dir := range []string{folder, unpacked} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, program := range []string{"etcd", "etcdctl", "etcdutl"} {
		link(t, etcdBinary(t, cluster.NewestMinor, program), filepath.Join(unpacked, program))
	}
	writeFile(t, filepath.Join(unpacked, "README.md"), "# etcd\n")
	archive := filepath.Join(folder, release+".tar.gz")
	run(t, filepath.Dir(unpacked), "tar", "-czf", archive, release)
	writeSums(t, archive)
	server := httptest.NewServer(http.FileServer(http.Dir(root)))
	t.Cleanup(server.Close)
	return server.URL, folder
}

func writeSums(t *testing.T, archive string) {
	t.Helper()
	data, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(filepath.Dir(archive), "SHA256SUMS"),
		fmt.Sprintf("%x  %s\n", sha256.Sum256(data), filepath.Base(archive)))
}

// sources are the flags of every source, all of them with the newest etcd.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	mirror, _ := publishRelease(t)
	return map[string][]string{
		"self":    {"--source", "self"},
		"module":  {"--source", "module"},
		"release": {"--source", "release", "--mirror", mirror},
		"dir":     {"--source", "dir", "--dir", filepath.Dir(etcdBinary(t, cluster.NewestMinor, "etcd"))},
	}
}

// TestMembersOnImagesOfEverySourceFormOneCluster runs one member on each, as
// plain containers.
func TestMembersOnImagesOfEverySourceFormOneCluster(t *testing.T) {
	network := uniqueName(namePrefix)
	t.Cleanup(func() { _ = exec.Command("docker", "network", "rm", network).Run() })
	run(t, t.TempDir(), "docker", "network", "create", "--internal", network)

	names := map[string]string{} // of the container, by source
	var initial []string
	all := sources(t)
	for source := range all {
		names[source] = network + "-" + source
		initial = append(initial, fmt.Sprintf("%s=http://%s:2380", source, names[source]))
	}
	for source, flags := range all {
		ref, name := buildImage(t, flags...).Reference, names[source]
		removeContainer(t, name)
		run(t, t.TempDir(), "docker", "run", "--detach", "--name", name, "--network", network, ref, "etcd",
			"--name", source, "--initial-cluster", strings.Join(initial, ","),
			"--listen-client-urls", "http://0.0.0.0:2379", "--advertise-client-urls", "http://"+name+":2379",
			"--listen-peer-urls", "http://0.0.0.0:2380", "--initial-advertise-peer-urls", "http://"+name+":2380")
	}
	waitHealthy(t, names["self"], "--cluster")
	var list struct{ Members []struct{ Name string } }
	decode(t, run(t, t.TempDir(), "docker", "exec", names["module"], "etcdctl", "member", "list", "--write-out", "json"), &list)
	if len(list.Members) != len(names) {
		t.Errorf("the cluster has the members %v", list.Members)
	}
	run(t, t.TempDir(), "docker", "exec", names["dir"], "etcdctl", "put", "key", "value")
	got := run(t, t.TempDir(), "docker", "exec", names["release"], "etcdctl", "get", "key", "--print-value-only")
	if got != "value\n" {
		t.Errorf("read %q", got)
	}
}

func TestEverySourceStartsAWholeStack(t *testing.T) {
	for source, flags := range sources(t) {
		t.Run(source, func(t *testing.T) {
			ref := buildImage(t, flags...).Reference
			s := newStack(t)
			s.ref = ref
			s.generate()
			s.up()
			s.wantMembers(3)
		})
	}
}

func TestModulesGiveEveryKnownEtcd(t *testing.T) {
	releases := map[string]string{"v3.8.0-alpha.0": "3.8.0-alpha.0"} // whose modules require those of another
	for minor, want := range cluster.KnownPatches {
		releases[fmt.Sprintf("3.%d", minor)] = strings.TrimPrefix(want.String(), "v")
	}
	for asked, want := range releases {
		built := buildImage(t, "--source", "module", "--etcd", asked)
		got := run(t, t.TempDir(), "docker", "run", "--rm", built.Reference, "etcd", "--version")
		if !strings.HasPrefix(got, "etcd Version: "+want+"\n") {
			t.Errorf("%s: %s", asked, got)
		}
	}
}

// TestSourcesOfSeveralPlatformsMakeOneIndex compiles etcd for two platforms, and
// hands the same programs in as a folder and as a release. The Engine takes its
// own platform of what comes of them.
func TestSourcesOfSeveralPlatformsMakeOneIndex(t *testing.T) {
	platforms, environment := []string{"linux/amd64", "linux/arm64"}, buildEnvironment(t)
	index := func(source ...string) (layout string, built builtImage) {
		layout = filepath.Join(t.TempDir(), "layout")
		flags := append([]string{"image", "build", "--format", "json", "--platform", strings.Join(platforms, ","), "--output", "oci:" + layout, "--source"}, source...)
		cmd := exec.CommandContext(t.Context(), etcdctrBinary(t), flags...)
		cmd.Env = environment
		out, err := output(cmd, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		decode(t, out, &built)
		for i, want := range platforms {
			if got := built.Images[i].Platform; got != want {
				t.Errorf("%s: image %d is for %s, want %s", source[0], i, got, want)
			}
		}
		return layout, built
	}
	bill := filepath.Join(t.TempDir(), "etcd.spdx.json")
	layout, module := index("module", "--sbom", bill)
	for _, name := range []string{"etcd-linux-amd64", "etcd-linux-arm64"} {
		var document struct{ SPDXID string }
		decode(t, readFile(t, filepath.Join(filepath.Dir(bill), name+".spdx.json")), &document)
	}
	folder := compiledPrograms(t, environment)
	_, dir := index("dir", "--dir", folder)
	_, release := index("release", "--mirror", publish(t, folder, platforms))
	if dir.Digest != module.Digest || release.Digest != module.Digest {
		t.Errorf("digests differ: module %s, dir %s, release %s", module.Digest, dir.Digest, release.Digest)
	}

	ref := startRegistry(t) + "/etcd:1"
	pushed := strings.TrimSpace(run(t, t.TempDir(), etcdctrBinary(t), "image", "push", "--from", layout, ref))
	if want := ref + "@" + module.Digest; pushed != want {
		t.Errorf("pushed %s, want %s", pushed, want)
	}
	removeImage(t, ref)
	run(t, t.TempDir(), "docker", "pull", "--quiet", ref)
	run(t, t.TempDir(), "docker", "run", "--rm", ref, "etcd", "--version")
}

// compiledPrograms is the folder in a build's cache with a folder of programs for
// each platform.
func compiledPrograms(t *testing.T, environment []string) string {
	t.Helper()
	cache, _ := strings.CutPrefix(environment[len(environment)-1], "XDG_CACHE_HOME=")
	found, err := filepath.Glob(filepath.Join(cache, "etcdctr", "modules", "*", "*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("compiled programs: %v %v", found, err)
	}
	return found[0]
}

// publish serves programs the way upstream publishes a release.
func publish(t *testing.T, programs string, platforms []string) (url string) {
	t.Helper()
	root := t.TempDir()
	folder := filepath.Join(root, cluster.DefaultVersion.String())
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, platform := range platforms {
		name := strings.ReplaceAll(platform, "/", "-")
		release := "etcd-" + cluster.DefaultVersion.String() + "-" + name
		run(t, programs, "tar", "-czf", filepath.Join(folder, release+".tar.gz"), "--transform", "s,^"+name+","+release+",", name)
	}
	writeFile(t, filepath.Join(folder, "SHA256SUMS"), run(t, folder, "sh", "-c", "sha256sum *.tar.gz"))
	server := httptest.NewServer(http.FileServer(http.Dir(root)))
	t.Cleanup(server.Close)
	return server.URL
}

func TestTamperedReleasesAreRefused(t *testing.T) {
	mirror, folder := publishRelease(t)
	archive := filepath.Join(folder, release+".tar.gz")
	f, err := os.OpenFile(archive, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("evil"), 1<<20); err != nil {
		t.Fatal(err)
	}
	_, err = failBuild(t, t.TempDir(), "--source", "release", "--mirror", mirror)
	if !strings.Contains(err.Error(), "damaged or tampered with") {
		t.Errorf("got %v", err)
	}
}

// failBuild wants a build into an archive to fail without leaving one, and
// gives what is in its cache.
func failBuild(t *testing.T, cache string, flags ...string) (left []string, err error) {
	t.Helper()
	dir := t.TempDir()
	args := append([]string{"image", "build", "--output", "tar:" + filepath.Join(dir, "etcd.tar")}, flags...)
	cmd := exec.CommandContext(t.Context(), etcdctrBinary(t), args...)
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache)
	if _, err = output(cmd, dir); err == nil {
		t.Fatalf("%s succeeded", strings.Join(args, " "))
	}
	wantEmpty(t, dir)
	return programsIn(t, cache), err
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("left behind in %s: %v", dir, left)
	}
}

func programsIn(t *testing.T, dir string) []string {
	t.Helper()
	return strings.Fields(run(t, dir, "find", ".", "-type", "f", "!", "-name", "*.part", "!", "-name", ".lock"))
}

func TestInterruptedDownloadGoesOnLater(t *testing.T) {
	_, folder := publishRelease(t)
	var ranges []string
	files := http.StripPrefix("/"+cluster.DefaultVersion.String(), http.FileServer(http.Dir(folder)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".tar.gz") {
			ranges = append(ranges, r.Header.Get("Range"))
			if len(ranges) == 1 {
				sendHalf(t, w, filepath.Join(folder, release+".tar.gz"))
				<-r.Context().Done()
				return
			}
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)

	dir, cache := t.TempDir(), t.TempDir()
	command := func() *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), etcdctrBinary(t), "image", "build", "--progress", "json",
			"--source", "release", "--mirror", server.URL, "--output", "tar:"+filepath.Join(dir, "etcd.tar"))
		cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache)
		return cmd
	}
	interrupt(t, command(), func() bool {
		return sizeOf(t, filepath.Join(cache, "etcdctr", "release", "*", release+".tar.gz.part")) > 0
	})
	wantEmpty(t, dir)
	if left := programsIn(t, cache); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := output(command(), dir); err != nil {
		t.Fatal(err)
	}
	if from, ok := strings.CutPrefix(ranges[1], "bytes="); !ok || from == "0-" {
		t.Errorf("the second run asked for %q", ranges[1])
	}
}

func TestInterruptedCompilationLeavesNothing(t *testing.T) {
	dir, cache, tmp := t.TempDir(), t.TempDir(), t.TempDir()
	cmd := exec.CommandContext(t.Context(), etcdctrBinary(t), "image", "build", "--progress", "json",
		"--source", "module", "--output", "tar:"+filepath.Join(dir, "etcd.tar"))
	cmd.Env = append(os.Environ(), "GOCACHE="+t.TempDir(), "XDG_CACHE_HOME="+cache, "TMPDIR="+tmp)
	interrupt(t, cmd, func() bool { // until the compiler is at work
		return sizeOf(t, filepath.Join(tmp, "etcdctr-module-*", "go-build*", "*", "*")) > 0
	})
	wantEmpty(t, dir)
	wantEmpty(t, tmp)
	if left := programsIn(t, cache); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// interrupt starts a command, presses Ctrl-C as soon as that is due, and wants
// the exit code that stands for it.
func interrupt(t *testing.T, cmd *exec.Cmd, due func() bool) {
	t.Helper()
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the exit code tells
		close(ended)
	}()
	for !due() {
		select {
		case <-ended:
			t.Fatalf("ended before it was interrupted:\n%s", said.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	<-ended
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d, it said:\n%s", code, said.String())
	}
}

// sizeOf is the size of the first file that a pattern matches, 0 without one.
func sizeOf(t *testing.T, pattern string) int64 {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		return 0
	}
	st, err := os.Stat(found[0])
	if err != nil {
		return 0 // gone again
	}
	return st.Size()
}

// sendHalf announces a whole file and sends the first half of it.
func sendHalf(t *testing.T, w http.ResponseWriter, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data[:len(data)/2])
	w.(http.Flusher).Flush()
}

// TestFullDiskIsSaidAndLeavesNothing builds on file systems of 8 MB, mounted
// where nothing else sees them.
func TestFullDiskIsSaidAndLeavesNothing(t *testing.T) {
	mirror, _ := publishRelease(t)
	for name, test := range map[string]struct {
		environment string
		flags       []string
	}{
		"for the download": {"XDG_CACHE_HOME=/mnt", []string{"--source", "release", "--mirror", mirror, "--output", "tar:" + filepath.Join(t.TempDir(), "x.tar")}},
		"for the archive":  {"", []string{"--output", "tar:/mnt/etcd.tar"}},
		"for the layout":   {"", []string{"--output", "oci:/mnt/layout"}},
	} {
		t.Run(name, func(t *testing.T) {
			script := `mount -t tmpfs -o size=8m tmpfs /mnt || exit 90
				"$@"; code=$?
				find /mnt -type f ! -name .lock ! -name '*.part'
				exit $code`
			args := append([]string{"--mount", "--map-root-user", "sh", "-c", script, "sh", etcdctrBinary(t), "image", "build"}, test.flags...)
			cmd := exec.CommandContext(t.Context(), "unshare", args...)
			cmd.Env = append(os.Environ(), test.environment)
			left, err := output(cmd, t.TempDir())
			if err == nil || cmd.ProcessState.ExitCode() != 1 {
				t.Fatalf("exit code %d: %v", cmd.ProcessState.ExitCode(), err)
			}
			if !strings.Contains(err.Error(), "no space left on device") || !strings.Contains(err.Error(), "hint: make room") {
				t.Errorf("got %v", err)
			}
			if left != "" {
				t.Errorf("left behind: %s", left)
			}
		})
	}
}

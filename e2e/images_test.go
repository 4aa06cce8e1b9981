//go:build e2e

package e2e

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/etcdctr/etcdctr/cluster"
)

// What `etcdctr image` makes, and where it goes.

// builtImage is what `image build --format json` tells.
type builtImage struct {
	Reference string
	Digest    string
	Images    []struct {
		Platform string
		Etcd     string
		ID       string
		Size     int64
		Programs []struct{ Name, Version string }
	}
}

// buildImage runs `etcdctr image build` for the Docker Engine, under a name of
// this run that goes away with the test.
func buildImage(t *testing.T, flags ...string) builtImage {
	t.Helper()
	ref := uniqueName(namePrefix) + "/image:1"
	removeImage(t, ref)
	return runBuild(t, append([]string{"--tag", ref}, flags...)...)
}

// removeImage sees to it that a reference is gone after the test.
func removeImage(t *testing.T, ref string) {
	t.Helper()
	t.Cleanup(func() {
		out, err := exec.Command("docker", "rmi", "--force", ref).CombinedOutput()
		if err != nil && !strings.Contains(string(out), "No such image") {
			t.Errorf("cannot remove image %s: %v\n%s", ref, err, out)
		}
	})
}

func runBuild(t *testing.T, flags ...string) builtImage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), etcdctrBinary(t), append([]string{"image", "build", "--format", "json"}, flags...)...)
	cmd.Env = buildEnvironment(t)
	out, err := output(cmd, t.TempDir())
	if err != nil {
		t.Fatalf("image build %s: %v", strings.Join(flags, " "), err)
	}
	var built builtImage
	decode(t, out, &built)
	return built
}

// buildEnvironment keeps what a build caches in a folder of the test, all but
// the Go toolchain's own cache.
func buildEnvironment(t *testing.T) []string {
	t.Helper()
	goCache := strings.TrimSpace(run(t, t.TempDir(), "go", "env", "GOCACHE"))
	return append(os.Environ(), "GOCACHE="+goCache, "XDG_CACHE_HOME="+t.TempDir())
}

func TestSmokeThisProgramPacksItselfAsAnEtcdImage(t *testing.T) {
	ref := buildImage(t).Reference
	version := strings.TrimPrefix(cluster.DefaultVersion.String(), "v")
	for program, want := range map[string]string{
		"etcd --version":  "etcd Version: " + version,
		"etcdctl version": "etcdctl version: " + version,
		"etcdutl version": "etcdutl version: " + version,
	} {
		args := append([]string{"run", "--rm", ref}, strings.Fields(program)...)
		if got := run(t, t.TempDir(), "docker", args...); !strings.HasPrefix(got, want+"\n") {
			t.Errorf("%s says %q, want %q", program, got, want)
		}
	}
}

func TestBuildTellsWhatItFoundAndWritesItsBillOfMaterials(t *testing.T) {
	dir, programs := t.TempDir(), filepath.Dir(etcdBinary(t, cluster.NewestMinor, "etcd"))
	version := cluster.DefaultVersion.String()
	cmd := exec.CommandContext(t.Context(), etcdctrBinary(t), "image", "build", "--source", "dir", "--dir", programs,
		"--output", "tar:etcd.tar", "--sbom", "etcd.spdx.json")
	var said strings.Builder
	cmd.Dir, cmd.Stderr = dir, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	want := fmt.Sprintf("found in dir %s: etcd %[2]s, etcdctl %[2]s, etcdutl %[2]s, linux/%[3]s, static", programs, version, runtime.GOARCH)
	if !strings.Contains(said.String(), want) {
		t.Errorf("it said\n%swant %s", said.String(), want)
	}
	var bill struct {
		SPDXVersion string
		Packages    []struct{ Name, VersionInfo string }
	}
	decode(t, readFile(t, filepath.Join(dir, "etcd.spdx.json")), &bill)
	listed := map[string]string{}
	for _, p := range bill.Packages {
		listed[p.Name] = p.VersionInfo
	}
	for _, name := range []string{"etcd", "etcdctl", "etcdutl", "go.etcd.io/etcd/api/v3"} {
		if listed[name] != version {
			t.Errorf("%s: %s is listed as %q", bill.SPDXVersion, name, listed[name])
		}
	}
}

func TestImageRunsAsAnOrdinaryUserOnAVolumeOfItsOwn(t *testing.T) {
	ref := buildImage(t).Reference
	name := uniqueName(namePrefix)
	t.Cleanup(func() { _ = exec.Command("docker", "volume", "rm", "--force", name).Run() }) // after the container
	removeContainer(t, name)
	run(t, t.TempDir(), "docker", "run", "--detach", "--name", name,
		"--read-only", "--cap-drop", "ALL", "--volume", name+":/var/lib/etcd", ref)
	waitHealthy(t, name)
	if got := run(t, t.TempDir(), "docker", "top", name, "-o", "pid,uid"); !strings.Contains(got, "65532") {
		t.Errorf("etcd runs as:\n%s", got)
	}
	logs, err := exec.Command("docker", "logs", name).CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	for _, complaint := range []string{"permission", "x509"} {
		if strings.Contains(string(logs), complaint) {
			t.Errorf("etcd complains about its surroundings:\n%s", logs)
		}
	}
}

// removeContainer sees to it that a container is gone after the test, which
// shows its logs if it failed.
func removeContainer(t *testing.T, name string) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			logs, _ := exec.Command("docker", "logs", "--tail", "40", name).CombinedOutput()
			t.Logf("logs of %s:\n%s", name, logs)
		}
		_ = exec.Command("docker", "rm", "--force", "--volumes", name).Run() // it may never have been made
	})
}

// waitHealthy waits until etcd in a container answers etcdctl, which itself
// waits for a few seconds each time.
func waitHealthy(t *testing.T, name string, flags ...string) {
	t.Helper()
	var err error
	for range 20 {
		args := append([]string{"exec", name, "etcdctl", "endpoint", "health"}, flags...)
		if _, err = try(t, t.TempDir(), "docker", args...); err == nil {
			return
		}
	}
	t.Fatalf("%s is not healthy: %v", name, err)
}

// TestDockerfileMakesWhatImageBuildMakes compares the two descriptions of the
// project's own image: files with owners and modes, and configuration. The
// program for the Dockerfile is made as the Makefile makes it, by somebody whose
// umask keeps everybody else out, where `make build` and where `make cross` puts
// it. The classic builder has to be told the platform.
func TestDockerfileMakesWhatImageBuildMakes(t *testing.T) {
	want := savedImage(t, buildImage(t).Reference)
	for place, flags := range map[string][]string{
		"bin":                          nil,
		"dist/linux-" + runtime.GOARCH: {"--build-arg", "BIN=", "--build-arg", "TARGETARCH=" + runtime.GOARCH},
	} {
		ref := uniqueName(namePrefix) + "/dockerfile:1"
		removeImage(t, ref)
		folder := t.TempDir()
		if err := os.Mkdir(filepath.Join(folder, "images"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{"Dockerfile", ".dockerignore", "images/rootfs.tar"} {
			link(t, filepath.Join("..", file), filepath.Join(folder, file))
		}
		run(t, "..", "sh", "-c", `umask 077 && exec make --silent --eval 'program: ; $(call build-program,'"$1,$0"')' program`,
			filepath.Join(folder, place), runtime.GOARCH)
		run(t, folder, "docker", slices.Concat([]string{"build", "--quiet", "--tag", ref}, flags, []string{"."})...)

		got := savedImage(t, ref)
		if diff := cmp.Diff(configuration(t, want), configuration(t, got)); diff != "" {
			t.Errorf("configuration with the program in %s (-image build +docker build):\n%s", place, diff)
		}
		if diff := cmp.Diff(files(t, want), files(t, got)); diff != "" {
			t.Errorf("files with the program in %s (-image build +docker build):\n%s", place, diff)
		}
	}
}

// savedImage reads an image out of the Docker Engine.
func savedImage(t *testing.T, ref string) v1.Image {
	t.Helper()
	file := filepath.Join(t.TempDir(), "image.tar")
	run(t, t.TempDir(), "docker", "save", "--output", file, ref)
	img, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// configuration is what containers of an image start with, less what builders
// note for themselves: the classic one its last step, BuildKit a rule of Windows.
func configuration(t *testing.T, img v1.Image) v1.Config {
	t.Helper()
	file, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config := file.Config
	config.Image, config.ArgsEscaped = "", false
	return config
}

// files maps each path of an image to its mode, owner, size or target. The
// folders above are made by builders as they please, and are 0755 root's.
func files(t *testing.T, img v1.Image) map[string]string {
	t.Helper()
	found := map[string]string{}
	r := mutate.Extract(img)
	defer r.Close()
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		found[strings.TrimSuffix(h.Name, "/")] = fmt.Sprintf("%s %d:%d %d %s", h.FileInfo().Mode(), h.Uid, h.Gid, h.Size, h.Linkname)
	}
}

func TestBuildsElsewhereAndLaterAreTheSameImage(t *testing.T) {
	first := buildImage(t)
	other := filepath.Join(t.TempDir(), "another", "name-of-it")
	if err := os.MkdirAll(filepath.Dir(other), 0o700); err != nil {
		t.Fatal(err)
	}
	link(t, etcdctrBinary(t), other)
	for _, build := range [][]string{
		{"sh", "-c", `umask 077 && TZ=Asia/Tokyo exec "$0" "$@"`, other},
		{other},
	} {
		layout := filepath.Join(t.TempDir(), "layout")
		args := slices.Concat(build, []string{"image", "build", "--format", "json", "--output", "oci:" + layout})
		var built builtImage
		decode(t, run(t, t.TempDir(), args[0], args[1:]...), &built)
		if got, want := built.Images[0].ID, first.Images[0].ID; got != want {
			t.Errorf("%v made %s, not %s", build, got, want)
		}
	}
}

// TestInterruptedBuildLeavesAWholeImageOrNone presses Ctrl-C at one moment after
// another; the delay only chooses it.
func TestInterruptedBuildLeavesAWholeImageOrNone(t *testing.T) {
	ref := uniqueName(namePrefix) + "/interrupted:1"
	removeImage(t, ref)
	whole, none := 0, 0
	for i := 0; whole == 0 || i < 12; i++ {
		cmd := exec.Command(etcdctrBinary(t), "image", "build", "--tag", ref, "--progress", "json")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(40*i) * time.Millisecond)
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		_ = cmd.Wait()                       // its exit code tells
		_, err := try(t, t.TempDir(), "docker", "image", "inspect", ref)
		switch code := cmd.ProcessState.ExitCode(); {
		case code != 0 && code != 130 && code != -1: // the last is before it listens to signals
			t.Errorf("after %d ms it ended with exit code %d", 40*i, code)
		case code == 0 && err != nil:
			t.Errorf("after %d ms it said that there is an image: %v", 40*i, err)
		}
		if err != nil {
			none++
			continue
		}
		whole++
		run(t, t.TempDir(), "docker", "run", "--rm", ref, "etcd", "--version")
		run(t, t.TempDir(), "docker", "rmi", "--force", ref)
	}
	if none == 0 {
		t.Error("it was never interrupted in time")
	}
}

func TestSavedImagesLoadWhereThereAreNone(t *testing.T) {
	built := buildImage(t)
	archive := filepath.Join(t.TempDir(), "etcd.tar")
	run(t, t.TempDir(), etcdctrBinary(t), "image", "save", "--output", archive, built.Reference)
	run(t, t.TempDir(), "docker", "rmi", built.Reference)
	if got := run(t, t.TempDir(), etcdctrBinary(t), "image", "load", archive); got != built.Reference+"\n" {
		t.Errorf("loaded %q, want %q", got, built.Reference)
	}
	wantImage(t, built.Reference, built.Digest)
}

// wantImage wants the Engine to have an image with this ID under a reference.
func wantImage(t *testing.T, ref, id string) {
	t.Helper()
	got := run(t, t.TempDir(), "docker", "image", "inspect", "--format", "{{.Id}}", ref)
	if strings.TrimSpace(got) != id {
		t.Errorf("%s is %s, want %s", ref, got, id)
	}
}

func TestArchivesAndLayoutsLoadAsTheImageThatTheyWereMadeFrom(t *testing.T) {
	built := buildImage(t)
	for _, output := range []string{"tar", "oci"} {
		path := filepath.Join(t.TempDir(), "image")
		runBuild(t, "--tag", built.Reference, "--output", output+":"+path)
		for _, load := range [][]string{{etcdctrBinary(t), "image", "load", path}, {"docker", "load", "--input", path}} {
			if output == "oci" && load[0] == "docker" {
				continue // a folder is nothing that docker load takes
			}
			run(t, t.TempDir(), "docker", "rmi", "--force", built.Reference)
			run(t, t.TempDir(), load[0], load[1:]...)
			wantImage(t, built.Reference, built.Digest)
		}
	}
}

func TestDamagedArchivesLeaveTheEngineAsItWas(t *testing.T) {
	built := buildImage(t, "--source", "dir", "--dir", unlikeAll(t))
	archive := filepath.Join(t.TempDir(), "etcd.tar")
	run(t, t.TempDir(), etcdctrBinary(t), "image", "save", "--output", archive, built.Reference)
	run(t, t.TempDir(), "docker", "rmi", "--force", built.Reference)
	if err := os.Truncate(archive, 5<<20); err != nil {
		t.Fatal(err)
	}
	_, err := try(t, t.TempDir(), etcdctrBinary(t), "image", "load", archive)
	if err == nil || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("got %v, want an error that says so", err)
	}
	if _, err := try(t, t.TempDir(), "docker", "image", "inspect", built.Digest); err == nil {
		t.Error("the Engine has the image")
	}
}

// unlikeAll is a folder of programs that no other test makes an image of at the same time.
func unlikeAll(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(etcdBinary(t, cluster.NewestMinor, "etcd")))); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "etcdutl"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(dir) // behind all that is looked at
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestBundleStartsAStackWhereNothingElseIsAtHand takes the images from the
// Engine and the folder from the stack, and gets both back from the bundle. The
// keys, which a bundle does not carry, come the way their owner chooses.
func TestBundleStartsAStackWhereNothingElseIsAtHand(t *testing.T) {
	built := buildImage(t)
	s := newStack(t)
	s.ref = built.Reference
	s.generate()
	bundle := filepath.Join(t.TempDir(), "bundle.tar")
	run(t, s.dir, etcdctrBinary(t), "image", "bundle", "--name", s.name, "--image", built.Reference, "--output", bundle)
	wantNoKeys(t, bundle)
	run(t, t.TempDir(), "docker", "rmi", "--force", built.Reference)

	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	run(t, t.TempDir(), etcdctrBinary(t), "image", "load", "--output", elsewhere, bundle)
	wantImage(t, built.Reference, built.Digest)
	for _, file := range []string{"docker-compose.yml", "certs/ca/client/tls.crt", "certs/members/etcd1/server/tls.crt"} {
		if got, want := readFile(t, filepath.Join(elsewhere, file)), readFile(t, filepath.Join(s.dir, file)); got != want {
			t.Errorf("%s came out of the bundle as\n%s\nwant\n%s", file, got, want)
		}
	}
	run(t, s.dir, "sh", "-c", `find certs -name "*.key" -exec cp --parents -p {} "$0" ";"`, elsewhere)
	s.dir = elsewhere
	s.up()
	s.wantMembers(3)
	_, err := try(t, t.TempDir(), "docker", "load", "--input", bundle)
	if err != nil {
		t.Errorf("docker load does not take the bundle: %v", err)
	}
}

func wantNoKeys(t *testing.T, archive string) {
	t.Helper()
	if list := run(t, t.TempDir(), "tar", "-tf", archive); strings.Contains(list, ".key") {
		t.Errorf("the bundle carries keys:\n%s", list)
	}
	if data := readFile(t, archive); strings.Contains(data, "PRIVATE KEY-----\n") {
		t.Error("the bundle carries a private key")
	}
}

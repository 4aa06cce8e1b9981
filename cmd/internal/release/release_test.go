//go:build unix

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the files that tests compare with")

// program stands for etcdctr in archives: what it is does not matter to them.
const program = "#!/bin/sh\necho etcdctr v1.2.3 called with \"$@\"\n"

// example is a release of programs that are scripts.
func example(t *testing.T) *release {
	t.Helper()
	dir := t.TempDir()
	r := &release{
		version: "v1.2.3", date: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), source: "../../..",
		dist: filepath.Join(dir, "dist"), out: filepath.Join(dir, "release"),
		platforms: parsePlatforms("linux-amd64 linux-arm64 darwin-amd64 darwin-arm64 windows-amd64 windows-arm64"),
	}
	for _, p := range r.platforms {
		put(t, filepath.Join(r.dist, p.String(), p.program()), program)
	}
	r.host = filepath.Join(r.dist, "linux-amd64", "etcdctr")
	put(t, filepath.Join(r.dist, "man", "etcdctr.1"), ".TH ETCDCTR 1\n")
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		t.Fatal(err)
	}
	return r
}

func put(t *testing.T, path, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func do(t *testing.T, steps ...func() error) {
	t.Helper()
	for _, step := range steps {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}

// entries are the files of an archive with their modes.
func entries(t *testing.T, path string) map[string]os.FileMode {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]os.FileMode{}
	if strings.HasSuffix(path, ".zip") {
		zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range zr.File {
			all[f.Name] = f.Mode()
		}
		return all
	}
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Uname != "" || !h.ModTime.Equal(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)) {
			t.Errorf("%s is %d's %q, of %s", h.Name, h.Uid, h.Uname, h.ModTime)
		}
		all[h.Name] = os.FileMode(h.Mode)
	}
}

func TestAnArchiveHasTheProgramItsManualAndCompletion(t *testing.T) {
	r := example(t)
	do(t, r.archives)
	for _, p := range r.platforms {
		folder := "etcdctr_1.2.3_" + p.os + "_" + p.arch + "/"
		want := map[string]os.FileMode{folder + p.program(): 0o755}
		for _, name := range []string{
			"LICENSE", "README.md", "CHANGELOG.md", "man/man1/etcdctr.1",
			"completion/etcdctr.bash", "completion/_etcdctr", "completion/etcdctr.fish", "completion/etcdctr.ps1",
		} {
			want[folder+name] = 0o644
		}
		if diff := cmp.Diff(want, entries(t, filepath.Join(r.out, r.archiveFile(p)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p, diff)
		}
	}
}

func TestPagesOfAnArchiveLeadToWhatIsNotInIt(t *testing.T) {
	r := example(t)
	got := string(r.leadOut([]byte("[a](docs/up.md) [b](docs/members.md#what) ![c](docs/images/terminal.svg) [d](https://etcd.io) [e](#top) f(x)")))
	const at = "https://github.com/etcdctr/etcdctr/blob/v1.2.3/"
	want := "[a](" + at + "docs/up.md) [b](" + at + "docs/members.md#what) ![c](" + at + "docs/images/terminal.svg) [d](https://etcd.io) [e](#top) f(x)"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	files, err := r.contents(r.platforms[0])
	if err != nil {
		t.Fatal(err)
	}
	links := 0
	for _, f := range files {
		if strings.HasSuffix(f.name, ".md") {
			links += strings.Count(string(f.data), at)
			if left := beside.FindString(string(f.data)); left != "" {
				t.Errorf("%s leads to %s, which is not there", f.name, left)
			}
		}
	}
	if links == 0 {
		t.Error("no page leads anywhere")
	}
}

func TestTheSameContentGivesTheSameFiles(t *testing.T) {
	var sums []string
	for range 2 {
		r := example(t)
		do(t, r.archives, r.managers, r.sums)
		text, err := os.ReadFile(filepath.Join(r.out, sumsFile))
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, string(text))
	}
	if diff := cmp.Diff(sums[0], sums[1]); diff != "" {
		t.Error(diff)
	}
	if n := strings.Count(sums[0], "\n"); n != 8 {
		t.Errorf("%d files have a checksum:\n%s", n, sums[0])
	}
}

// What package managers read has the digests of the archives that are there.
func TestFormulaAndManifestAreAsTheyWere(t *testing.T) {
	r := example(t)
	do(t, r.archives, r.managers)
	for _, name := range []string{"etcdctr.rb", "etcdctr.json"} {
		text, err := os.ReadFile(filepath.Join(r.out, name))
		if err != nil {
			t.Fatal(err)
		}
		got := string(text)
		for _, p := range r.platforms {
			sum, err := r.sum(r.archiveFile(p))
			if err != nil {
				t.Fatal(err)
			}
			got = strings.ReplaceAll(got, sum, "SHA256-OF-"+r.archiveFile(p))
		}
		if digest := regexp.MustCompile(`\b[0-9a-f]{64}\b`).FindString(got); digest != "" {
			t.Errorf("%s has the digest %s, which is no archive's", name, digest)
		}
		golden := filepath.Join("testdata", name)
		if *update {
			put(t, golden, got)
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestABillNamesTheProgramAndTheEtcdInIt(t *testing.T) {
	r := example(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r.platforms = r.platforms[:1]
	for _, name := range []string{"etcdctr", "etcd"} {
		file := filepath.Join(r.dist, "linux-amd64", name)
		_ = os.Remove(file) // a script, in the example
		if err := os.Symlink(self, file); err != nil {
			t.Fatal(err)
		}
	}
	do(t, r.bills)
	for _, name := range []string{"etcdctr_1.2.3_linux_amd64.spdx.json", "etcdctr_1.2.3_linux_amd64.cdx.json"} {
		text, err := os.ReadFile(filepath.Join(r.out, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"etcdctr"`, `"etcd"`, `"v1.2.3"`, `"stdlib"`} {
			if !bytes.Contains(text, []byte(want)) {
				t.Errorf("%s lacks %s", name, want)
			}
		}
	}
}

func TestWhatIsNoReleaseIsRefused(t *testing.T) {
	for _, version := range []string{"", "0.1.0", "v0.1", "698b40a", "v0.1.0 "} {
		r := example(t)
		r.version = version
		put(t, filepath.Join(r.out, "kept"), "by a release that is refused")
		if err := r.make(); err == nil || !strings.Contains(err.Error(), "no version of a release") {
			t.Errorf("%q: %v", version, err)
		}
		if _, err := os.Stat(filepath.Join(r.out, "kept")); err != nil {
			t.Error(err)
		}
	}
}

// served is an example as a forge has it, on this machine.
func served(t *testing.T) (r *release, base string) {
	t.Helper()
	r = example(t)
	r.platforms = append(r.platforms, platform{runtime.GOOS, runtime.GOARCH})
	put(t, filepath.Join(r.dist, runtime.GOOS+"-"+runtime.GOARCH, "etcdctr"), program)
	r.platforms = r.platforms[len(r.platforms)-1:]
	do(t, r.archives, r.sums)
	files := http.FileServer(http.Dir(r.out))
	mux := http.NewServeMux()
	mux.Handle("/latest/download/", http.StripPrefix("/latest/download/", files))
	mux.Handle("/download/v1.2.3/", http.StripPrefix("/download/v1.2.3/", files))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return r, server.URL
}

// install runs install.sh, and gives what it said and the folder it was to fill.
func install(t *testing.T, base string, env ...string) (out, folder string, err error) {
	t.Helper()
	folder, work := filepath.Join(t.TempDir(), "bin"), t.TempDir()
	cmd := exec.CommandContext(t.Context(), "sh", "../../../install.sh")
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + work, "TMPDIR=" + work,
		"ETCDCTR_DOWNLOAD=" + base, "ETCDCTR_BIN_DIR=" + folder,
	}, env...)
	text, err := cmd.CombinedOutput()
	left, globErr := filepath.Glob(filepath.Join(work, "*"))
	if globErr != nil || len(left) > 0 {
		t.Errorf("it left %q: %v", left, globErr)
	}
	return string(text), folder, err
}

func TestInstallPutsAReleaseInPlace(t *testing.T) {
	_, base := served(t)
	for _, version := range []string{"", "v1.2.3"} {
		out, folder, err := install(t, base, "ETCDCTR_VERSION="+version)
		if err != nil || !strings.Contains(out, "etcdctr v1.2.3") || !strings.Contains(out, "is not on your PATH") {
			t.Fatalf("%v\n%s", err, out)
		}
		wantFiles(t, folder, "etcdctr")
		if st, err := os.Stat(filepath.Join(folder, "etcdctr")); err != nil || st.Mode().Perm() != 0o755 {
			t.Errorf("%v %v", st, err)
		}
	}
}

func wantFiles(t *testing.T, folder string, want ...string) {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	got := []string{}
	for _, f := range files {
		got = append(got, f.Name())
	}
	if !cmp.Equal(got, append([]string{}, want...)) {
		t.Errorf("%s has %q, want %q", folder, got, want)
	}
}

func TestInstallRefusesWhatItCannotTrust(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(sums, archive string) error
		want  string
	}{
		"another archive": {func(_, archive string) error { return os.WriteFile(archive, []byte("else"), 0o644) }, "is not what the release says"},
		"half an archive": {func(_, archive string) error { return os.Truncate(archive, 100) }, "is not what the release says"},
		"no archive":      {func(_, archive string) error { return os.Remove(archive) }, "cannot fetch"},
		"no checksums":    {func(sums, _ string) error { return os.Remove(sums) }, "cannot fetch"},
		"nothing for this machine": {
			func(sums, _ string) error { return os.WriteFile(sums, []byte("00  other.tar.gz\n"), 0o644) },
			"the release has no archive for",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, base := served(t)
			if err := tt.spoil(filepath.Join(r.out, sumsFile), filepath.Join(r.out, r.archiveFile(r.platforms[0]))); err != nil {
				t.Fatal(err)
			}
			out, folder, err := install(t, base)
			if err == nil || !strings.Contains(out, tt.want) {
				t.Errorf("%v\n%s", err, out)
			}
			wantFiles(t, folder)
		})
	}
}

func TestInstallFetchesInPlainTextFromThisMachineOnly(t *testing.T) {
	for _, base := range []string{"http://releases.invalid", "ftp://127.0.0.1/x", "http://127.0.0.1.invalid/x"} {
		out, folder, err := install(t, base)
		if err == nil || !strings.Contains(out, "fetched by https") {
			t.Errorf("%s: %v\n%s", base, err, out)
		}
		wantFiles(t, folder)
	}
}

// An etcdctr that is there stays until the new one takes its place.
func TestInstallThatFailsLeavesWhatIsThere(t *testing.T) {
	r, base := served(t)
	put(t, filepath.Join(r.out, r.archiveFile(r.platforms[0])), "something else")
	folder := t.TempDir()
	put(t, filepath.Join(folder, "etcdctr"), "the one before")
	if out, _, err := install(t, base, "ETCDCTR_BIN_DIR="+folder); err == nil {
		t.Error(out)
	}
	wantFiles(t, folder, "etcdctr")
	if text, err := os.ReadFile(filepath.Join(folder, "etcdctr")); err != nil || string(text) != "the one before" {
		t.Errorf("%q %v", text, err)
	}
}

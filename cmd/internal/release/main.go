// Command release puts together what a release hands out, from the programs
// that `make cross` has left, the manual pages and this repository:
//
//   - an archive for each platform, with manual pages and completion inside
//   - packages for Debian and RPM
//   - the image, for all its platforms, as an OCI archive
//   - a bill of materials for each platform, in SPDX and CycloneDX
//   - a Homebrew formula, a Scoop manifest and install.sh
//   - SHA256SUMS of all of them
//
// The same sources and the same Go give the same files, byte by byte, wherever
// and whenever they are built.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// release is what is to be put together, and of what.
type release struct {
	version   string // "v0.1.0"
	date      time.Time
	source    string // folder of the repository
	dist      string // folder with OS-ARCH/etcdctr, linux-ARCH/etcd and man
	out       string // folder that it goes into
	nfpm      string // the program
	host      string // an etcdctr that runs here
	platforms []platform
}

type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "-" + p.arch }

// program is the name of an etcdctr for the platform.
func (p platform) program() string {
	if p.os == "windows" {
		return "etcdctr.exe"
	}
	return "etcdctr"
}

// number is the version without the v.
func (r *release) number() string { return strings.TrimPrefix(r.version, "v") }

func main() {
	r := &release{}
	seconds := flag.Int64("date", 0, "when the release is made, seconds since 1970: all files are of then")
	platforms := flag.String("platforms", "", "the platforms, as OS-ARCH, parted by spaces")
	flag.StringVar(&r.version, "version", "", "the release, as v0.1.0")
	flag.StringVar(&r.source, "source", ".", "folder of the repository")
	flag.StringVar(&r.dist, "dist", "dist", "folder with the programs of all platforms, and with man")
	flag.StringVar(&r.out, "out", "dist/release", "folder to write into, which is emptied before")
	flag.StringVar(&r.nfpm, "nfpm", "", "the program nfpm")
	flag.StringVar(&r.host, "etcdctr", "", "an etcdctr that runs on this machine")
	flag.Parse()
	r.date = time.Unix(*seconds, 0).UTC()
	r.platforms = parsePlatforms(*platforms)
	if err := r.make(); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func parsePlatforms(s string) []platform {
	var all []platform
	for _, name := range strings.Fields(s) {
		os, arch, _ := strings.Cut(name, "-")
		all = append(all, platform{os, arch})
	}
	return all
}

var versionForm = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$`)

func (r *release) make() error {
	if !versionForm.MatchString(r.version) {
		return fmt.Errorf("%q is no version of a release: give -version v0.1.0 or the like", r.version)
	}
	if len(r.platforms) == 0 {
		return errors.New("no platform to make a release for: give -platforms linux-amd64 or the like")
	}
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	for _, step := range []func() error{r.archives, r.packages, r.bills, r.image, r.managers, r.installer, r.sums} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// installer copies the script that fetches all of this.
func (r *release) installer() error {
	text, err := os.ReadFile(filepath.Join(r.source, "install.sh"))
	if err != nil {
		return err
	}
	return r.write("install.sh", text)
}

func (r *release) write(name string, data []byte) error {
	return os.WriteFile(filepath.Join(r.out, name), data, 0o644)
}

// linux are the architectures of linux that the release is for.
func (r *release) linux() []string {
	var all []string
	for _, p := range r.platforms {
		if p.os == "linux" {
			all = append(all, p.arch)
		}
	}
	return all
}

// image makes the OCI archive of etcd's image for all platforms of linux.
func (r *release) image() error {
	var platforms []string
	for _, arch := range r.linux() {
		platforms = append(platforms, "linux/"+arch)
	}
	if len(platforms) == 0 {
		return nil
	}
	_, err := output(r.host, "image", "build", "--source", "dir", "--dir", r.dist, "--progress", "quiet",
		"--platform", strings.Join(platforms, ","), "--output", "tar:"+filepath.Join(r.out, r.name("image.tar")))
	return err
}

// name is that of a file of the release.
func (r *release) name(rest string) string { return "etcdctr_" + r.number() + "_" + rest }

// output runs a program and gives what it prints.
func output(program string, args ...string) ([]byte, error) {
	cmd := exec.Command(program, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", program, strings.Join(args, " "), err)
	}
	return out, nil
}

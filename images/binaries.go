package images

import (
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Names lists the programs of an etcd image, in the order they are told.
var Names = []string{"etcd", "etcdctl", "etcdutl"}

// mainPackages are the Go packages that the programs are built from.
var mainPackages = map[string]string{
	"etcd":    "go.etcd.io/etcd/server/v3",
	"etcdctl": "go.etcd.io/etcd/etcdctl/v3",
	"etcdutl": "go.etcd.io/etcd/etcdutl/v3",
}

// versionModule is linked into each of the programs and holds the version that
// it reports: go.etcd.io/etcd/api/v3/version.
const versionModule = "go.etcd.io/etcd/api/v3"

// maxProgramSize bounds what is taken for a program, in bytes. etcd 3.7 has
// 25 MB; a file beyond this is something else.
const maxProgramSize = 512 << 20

// Program is one executable file and what its headers tell about it. Nothing
// is run to find out: a program for another architecture could not be.
type Program struct {
	Name    string // etcd, etcdctl or etcdutl; etcd for the one that is all three
	File    string // where it is on this machine
	Size    int64  // bytes
	Version string // of the etcd in it, "v3.7.3"
	OS      string // "linux", or what else the file is for
	Arch    string // GOARCH
	Static  bool   // needs no dynamic loader and no library: images have none
	Go      *debug.BuildInfo

	open func() (executable, error)
}

// executable is what a program's file holds.
type executable interface {
	io.ReadCloser
	io.ReaderAt
}

// Binaries are the programs of one etcd image: of one version, for one
// platform, static.
type Binaries struct {
	Origin   string // the source, for people: "release https://…"
	Version  string // "v3.7.3"
	Platform v1.Platform
	// Programs are three files, or a single one that is all three by the name
	// it is called by.
	Programs []Program
}

// multicall tells whether one file is all three programs.
func (b *Binaries) multicall() bool { return len(b.Programs) == 1 }

// newBinaries accepts programs that belong together in one image. The error
// names each that does not.
func newBinaries(origin string, platform v1.Platform, programs []Program) (*Binaries, error) {
	var errs []error
	for _, p := range programs {
		errs = append(errs, p.check(platform))
	}
	if mixed(programs) {
		errs = append(errs, fmt.Errorf("%s: the programs are of different etcd releases (%s): "+
			"take all three from one", origin, versions(programs)))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Binaries{Origin: origin, Version: programs[0].Version, Platform: platform, Programs: programs}, nil
}

func mixed(programs []Program) bool {
	for _, p := range programs {
		if p.Version != programs[0].Version {
			return true
		}
	}
	return false
}

func versions(programs []Program) string {
	var parts []string
	for _, p := range programs {
		parts = append(parts, p.Name+" "+p.Version)
	}
	return strings.Join(parts, ", ")
}

// check tells what keeps p out of an image for a platform.
func (p Program) check(platform v1.Platform) error {
	switch {
	case p.OS != platform.OS || p.Arch != platform.Architecture:
		return fmt.Errorf("%s: is a program for %s/%s, the image is for %s: "+
			"give one for that platform or choose another --platform", p.File, p.OS, p.Arch, platform)
	case !p.Static:
		return fmt.Errorf("%s: is dynamically linked, and the image has no C library: "+
			"build it with CGO_ENABLED=0", p.File)
	}
	return nil
}

// examine reads what the headers of an executable tell. A name that is one of
// etcd's three must be that program.
func examine(name, file string) (Program, error) {
	p := Program{Name: name, File: file}
	if err := p.openFile(); err != nil {
		return p, err
	}
	if err := p.inspect(); err != nil {
		return p, err
	}
	if want := mainPackages[name]; p.Go.Path != want {
		return p, fmt.Errorf("%s: is built from %s, but %s is %s: check which file is which", file, p.Go.Path, name, want)
	}
	return p, nil
}

// openFile refuses what cannot be a program before any of it is read.
func (p *Program) openFile() error {
	st, err := os.Stat(p.File)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: is not there: an image takes etcd, etcdctl and etcdutl", p.File)
	}
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%s: is not a regular file", p.File)
	}
	if st.Size() > maxProgramSize {
		return fmt.Errorf("%s: has %d MB, which is no etcd program (they have less than %d MB)",
			p.File, st.Size()>>20, maxProgramSize>>20)
	}
	p.Size = st.Size()
	p.open = func() (executable, error) { return os.Open(p.File) }
	return nil
}

// inspect reads what the headers tell.
func (p *Program) inspect() error {
	r, err := p.open()
	if err != nil {
		return err
	}
	defer r.Close()
	if p.Go, err = buildinfo.Read(r); err != nil {
		return fmt.Errorf("%s: is not a Go program with build information, so its version cannot be told: "+
			"use etcd's own binaries, or build from its modules", p.File)
	}
	if p.Version = moduleVersion(p.Go, versionModule); p.Version == "" {
		return fmt.Errorf("%s: its build information names no release of etcd (module %s): "+
			"use a released version", p.File, versionModule)
	}
	return p.readHeader(r)
}

// readHeader fills in platform and linkage.
func (p *Program) readHeader(r io.ReaderAt) error {
	p.OS, p.Arch = setting(p.Go, "GOOS"), setting(p.Go, "GOARCH")
	if p.OS != "linux" {
		return nil // not ELF, and refused by check
	}
	f, err := elf.NewFile(r)
	if err != nil {
		return fmt.Errorf("%s: is not a whole ELF file: %w", p.File, err)
	}
	p.Arch = architectureOf(f)
	p.Static = true
	for _, segment := range f.Progs {
		if segment.Type == elf.PT_INTERP {
			p.Static = false
		}
	}
	return nil
}

func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// moduleVersion gives the version of a module linked into a program, or "". It
// is the required version that counts: upstream's own builds replace it by the
// checkout they are made from.
func moduleVersion(info *debug.BuildInfo, path string) string {
	for _, m := range info.Deps {
		if m.Path == path && strings.HasPrefix(m.Version, "v3.") {
			return m.Version
		}
	}
	return ""
}

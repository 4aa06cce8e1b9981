package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"
)

// multicallName is the file that is etcd, etcdctl and etcdutl in an image.
const multicallName = "etcd"

// multicallNames are what else it is called by, and each is a link in rootfs.tar. What
// they are for stands in cmd/internal/multicall, whose test holds it to that file.
var multicallNames = []string{"backup", "carrier", "dns", "etcdctl", "etcdutl", "lookat", "relay", "setaside"}

// Self takes what etcdctr has with it: no network and no compiler.
type Self struct {
	// Carried is a linux program that is all three by the name it is called by,
	// compressed with zstd. An etcdctr that `make build` has built carries one.
	Carried []byte
	// File is an etcdctr, usually os.Executable(). It is all three as well, and
	// packed itself if it carries nothing smaller.
	File string
}

// ErrNotLinux is found in the error of Self where the running program is for
// another operating system, and so cannot be what an image runs.
var ErrNotLinux = errors.New("not a linux program")

// Binaries examines the one program.
func (s Self) Binaries(_ context.Context, platform v1.Platform) (*Binaries, error) {
	p, err := s.program()
	if err != nil {
		return nil, err
	}
	if p.OS != "linux" {
		return nil, fmt.Errorf("%s: is a program for %s/%s: %w", p.File, p.OS, p.Arch, ErrNotLinux)
	}
	return newBinaries("self "+s.File, platform, []Program{p})
}

func (s Self) program() (Program, error) {
	if len(s.Carried) == 0 {
		return examineMulticall(s.File)
	}
	p := Program{Name: multicallName, File: "the etcd inside " + s.File}
	zr, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxProgramSize))
	if err != nil {
		return p, err
	}
	defer zr.Close()
	data, err := zr.DecodeAll(s.Carried, nil)
	if err != nil {
		return p, fmt.Errorf("%s: %w", p.File, err)
	}
	p.Size = int64(len(data))
	p.open = func() (executable, error) { return unpacked{bytes.NewReader(data)}, nil }
	return p, p.inspectMulticall()
}

// unpacked is a program in memory.
type unpacked struct{ *bytes.Reader }

func (unpacked) Close() error { return nil }

// examineMulticall reads the headers of a file that is all three programs.
func examineMulticall(file string) (Program, error) {
	p := Program{Name: multicallName, File: file}
	if err := p.openFile(); err != nil {
		return p, err
	}
	return p, p.inspectMulticall()
}

// inspectMulticall makes sure that all three programs are in p, of one release.
func (p *Program) inspectMulticall() error {
	if err := p.inspect(); err != nil {
		return err
	}
	var found []string
	mixed := false
	for _, name := range Names {
		v := moduleVersion(p.Go, mainPackages[name])
		if v == "" {
			return fmt.Errorf("%s: does not carry %s (module %s): give an etcdctr binary",
				p.File, name, mainPackages[name])
		}
		found = append(found, name+" "+v)
		mixed = mixed || v != p.Version
	}
	if mixed {
		return fmt.Errorf("%s: carries different etcd releases (%s)", p.File, strings.Join(found, ", "))
	}
	return nil
}

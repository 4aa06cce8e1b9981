package images

import (
	"context"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// multicallName is the file that is etcd, etcdctl and etcdutl in an image.
const multicallName = "etcdctr"

// Self takes an etcdctr binary, which is all three programs by the name it is
// called by. It needs no network and no compiler.
type Self struct {
	File string // usually os.Executable()
}

// ErrNotLinux is found in the error of Self where the running program is for
// another operating system, and so cannot be what an image runs.
var ErrNotLinux = errors.New("not a linux program")

// Binaries examines the one file.
func (s Self) Binaries(_ context.Context, platform v1.Platform) (*Binaries, error) {
	p, err := examineMulticall(s.File)
	if err != nil {
		return nil, err
	}
	if p.OS != "linux" {
		return nil, fmt.Errorf("%s: is a program for %s/%s: %w", s.File, p.OS, p.Arch, ErrNotLinux)
	}
	return newBinaries("self "+s.File, platform, []Program{p})
}

// examineMulticall reads the headers of a binary that is all three programs,
// and makes sure that all three in it are one release.
func examineMulticall(file string) (Program, error) {
	p, err := examine(multicallName, file)
	if err != nil {
		return p, err
	}
	var found []string
	for _, name := range Names {
		v := moduleVersion(p.Go, mainPackages[name])
		if v == "" {
			return p, fmt.Errorf("%s: does not carry %s (module %s): give an etcdctr binary",
				file, name, mainPackages[name])
		}
		found = append(found, name+" "+v)
		if v != p.Version {
			return p, fmt.Errorf("%s: carries different etcd releases (%s)", file, strings.Join(found, ", "))
		}
	}
	return p, nil
}

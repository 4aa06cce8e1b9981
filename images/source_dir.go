package images

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Dir takes programs that are there already: files named etcd, etcdctl and
// etcdutl in a folder, or one file that is all three. With a folder inside
// it for each platform, such as linux-arm64, it serves several.
type Dir struct {
	Path string
}

// Binaries examines the three files, and reports the mistakes of all of them.
func (d Dir) Binaries(_ context.Context, platform v1.Platform) (*Binaries, error) {
	dir := d.Path
	sub := filepath.Join(dir, platform.OS+"-"+platform.Architecture)
	if st, err := os.Stat(sub); err == nil && st.IsDir() {
		dir = sub
	}
	return binariesIn(dir, "dir "+dir, platform)
}

func binariesIn(dir, origin string, platform v1.Platform) (*Binaries, error) {
	if file, ok := multicallIn(dir); ok {
		p, err := examineMulticall(file)
		if err != nil {
			return nil, err
		}
		return newBinaries(origin, platform, []Program{p})
	}
	var programs []Program
	var errs []error
	for _, name := range Names {
		p, err := examine(name, filepath.Join(dir, name))
		errs = append(errs, err)
		programs = append(programs, p)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return newBinaries(origin, platform, programs)
}

// multicallIn finds the one file that stands in for all three programs: the
// three names are links to it, or it is there alone.
func multicallIn(dir string) (string, bool) {
	var files []string
	for _, name := range Names {
		if file, err := filepath.EvalSymlinks(filepath.Join(dir, name)); err == nil {
			files = append(files, file)
		}
	}
	if len(files) == 0 {
		file := filepath.Join(dir, "etcdctr")
		_, err := os.Stat(file)
		return file, err == nil
	}
	if len(files) == 1 {
		_, err := examineMulticall(files[0])
		return files[0], err == nil
	}
	return files[0], len(files) == len(Names) && files[0] == files[1] && files[0] == files[2]
}

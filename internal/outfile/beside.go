package outfile

import (
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"

	"github.com/etcdctr/etcdctr/internal/lockfile"
)

// mostClaims is how often somebody else may take a new file for one that was left.
const mostClaims = 3

// beside makes a file in the same folder under a name that nothing has, and keeps others
// from sweeping it until release. The umask holds for it, as for every new file, and not
// for os.CreateTemp's.
func beside(path string, mode fs.FileMode) (f *os.File, release func(), err error) {
	claimed := false
	for attempt := 1; !claimed; attempt++ {
		f, err = os.OpenFile(prefix(path)+rand.Text(), os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return nil, nil, err
		}
		release, claimed = claim(f.Name())
		if claimed || attempt == mostClaims { // some file systems have no locks: nothing there is swept
			break
		}
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
	return f, release, nil
}

func prefix(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".")
}

// claim locks a file that is being written. Windows keeps one that is open from being
// removed, and would keep who has locked it from writing.
func claim(path string) (release func(), ok bool) {
	if runtime.GOOS == "windows" {
		return func() {}, true
	}
	unlock, ok := lockfile.TryFile(path)
	if !ok {
		return func() {}, false
	}
	return func() { _ = unlock() }, true
}

// left is what follows the prefix of a file that is being written: rand.Text's letters.
var left = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// sweep removes what others have begun to write in the place of a file, and were killed. It
// is a courtesy: what can't be removed is left to whoever comes next.
func sweep(path string) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return
	}
	begin := filepath.Base(prefix(path))
	for _, e := range entries {
		name := e.Name()
		if len(name) <= len(begin) || name[:len(begin)] != begin || !left.MatchString(name[len(begin):]) {
			continue
		}
		file := filepath.Join(filepath.Dir(path), name)
		if release, ok := claim(file); ok {
			_ = os.Remove(file)
			release()
		}
	}
}

package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/version"
)

// A program is asked for its version once, and again when it is another file.
func TestAProgramIsAskedOnceForItsVersion(t *testing.T) {
	dir := t.TempDir()
	path, asked := filepath.Join(dir, "etcd"), filepath.Join(dir, "asked")
	install := func(version string, at time.Time) {
		script := "#!/bin/sh\necho x >> " + asked + "\necho 'etcd Version: " + version + "'\n"
		if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	var known versions
	for i, step := range []struct {
		version string
		asked   int
	}{{"3.6.16", 1}, {"3.6.16", 1}, {"3.7.3", 2}, {"3.7.3", 2}} {
		if i%2 == 0 {
			install(step.version, time.Unix(int64(i), 0))
		}
		got, err := known.of(t.Context(), path)
		if err != nil || got.String() != "v"+step.version {
			t.Errorf("it is %s: %v", got, err)
		}
		lines, err := os.ReadFile(asked)
		if n := strings.Count(string(lines), "\n"); err != nil || n != step.asked {
			t.Errorf("it was asked %d times, not %d: %v", n, step.asked, err)
		}
	}
}

// A program that is etcd by that name only is asked by it, whichever file it is.
func TestAProgramIsAskedByTheNameOfEtcd(t *testing.T) {
	self, err := os.Executable() // TestMain makes it such a one
	if err != nil {
		t.Fatal(err)
	}
	if got, err := versionOf(t.Context(), self); err != nil || got.String() != "v"+version.Version {
		t.Errorf("it is %s: %v", got, err)
	}
}

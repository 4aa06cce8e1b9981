//go:build unix

package process_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/internal/lockfile"
	"github.com/etcdctr/etcdctr/process"
)

// A home that is found by another path is the same one, one that was moved has its data
// where it is now, and what runs in a home does not run in a copy of it.
func TestAHomeIsWhereItIsFound(t *testing.T) {
	top := t.TempDir()
	project := filepath.Join(top, "project")
	homeIn := func(project string) process.Home { return process.Home{Dir: filepath.Join(project, "homes", "a")} }
	home := homeIn(project)
	if err := os.MkdirAll(home.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	m := member(t, home, "a", "good")
	m.Env = append(m.Env, "CERTS="+filepath.Join(project, "certs"), "OTHER="+project+"s")
	stack := stackOf(m)
	stack.Home, stack.Base, stack.Notes = home.Dir, project, map[string]string{"certs": filepath.Join(project, "certs")}
	r := run(t, home, stack)
	isIn := func(home process.Home, project string) {
		t.Helper()
		s, err := home.Stack()
		if err != nil {
			t.Fatal(err)
		}
		got := s.Members[0]
		if got.DataDir != filepath.Join(home.Dir, "a", "data") || got.Env[1] != "CERTS="+filepath.Join(project, "certs") ||
			got.Env[2] != m.Env[2] || s.Notes["certs"] != filepath.Join(project, "certs") {
			t.Errorf("in %s its data is in %s, with %q and %v", home.Dir, got.DataDir, got.Env, s.Notes)
		}
	}
	isIn(home, project)

	link := filepath.Join(top, "link")
	if err := os.Symlink(project, link); err != nil {
		t.Fatal(err)
	}
	isIn(homeIn(link), link)
	linked, err := homeIn(link).Stack()
	if err == nil {
		err = homeIn(link).Change(t.Context(), linked, "a")
	}
	if err != nil {
		t.Fatal(err)
	}
	isIn(home, project)

	duplicate := filepath.Join(top, "duplicate")
	copyOf(t, home, homeIn(duplicate))
	isIn(homeIn(duplicate), duplicate)
	if s, err := homeIn(duplicate).State(); !errors.Is(err, process.ErrNoStack) {
		t.Errorf("in a copy runs %+v, %v", s, err)
	}
	if err := homeIn(duplicate).Shutdown(t.Context(), true); !errors.Is(err, process.ErrNoStack) {
		t.Errorf("a copy is shut down: %v", err)
	}
	if s, err := home.State(); err != nil || !s.Running {
		t.Errorf("beside its copy it is %+v, %v", s, err)
	}

	r.end()
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(top, "moved")
	if err := os.Rename(project, moved); err != nil {
		t.Fatal(err)
	}
	isIn(homeIn(moved), moved)
	if _, err := homeIn(moved).State(); err != nil {
		t.Errorf("where it was moved to: %v", err)
	}

	release, err := lockfile.Acquire(t.Context(), homeIn(moved).Dir) // as a supervisor has it that runs on
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = release() }()
	running := (*process.RunningError)(nil)
	if err := homeIn(moved).Remove(t.Context(), false); !errors.As(err, &running) || running.MovedFrom != home.Dir {
		t.Errorf("moved while it runs: %v", err)
	}
}

// copyOf copies what is written down in a home: its socket can't be copied.
func copyOf(t *testing.T, home, into process.Home) {
	t.Helper()
	if err := os.MkdirAll(into.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"stack.json", "state.json"} {
		data, err := os.ReadFile(filepath.Join(home.Dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(into.Dir, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

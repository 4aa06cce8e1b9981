package process

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A home is a folder of the user's: it is found by another path, through a link, it is
// moved, and it is copied. What is written down in it tells by which path it was written,
// and is read as if it had been by the one that is asked by.

// dir is the home's folder by a path that holds everywhere.
func (h Home) dir() string {
	if dir, err := filepath.Abs(h.Dir); err == nil {
		return dir
	}
	return h.Dir
}

// at is the stack with all that is below its home, or its base, where that is by the path
// home. A stack that does not tell where it was is as it is.
func (s Stack) at(home string) Stack {
	was, is := s.Home, home
	if below, err := filepath.Rel(s.Base, s.Home); s.Base != "" && err == nil && filepath.IsLocal(below) {
		if top, along := strings.CutSuffix(home, string(filepath.Separator)+below); along {
			was, is = s.Base, top
			s.Base = top
		}
	}
	s.Home = home
	if was == "" || was == is {
		return s
	}
	there := func(path string) string {
		if rest, below := strings.CutPrefix(path, was); below && (rest == "" || os.IsPathSeparator(rest[0])) {
			return is + rest
		}
		return path
	}
	s.Members, s.Services = moved(s.Members, there), moved(s.Services, there)
	s.Notes = maps.Clone(s.Notes)
	for key, value := range s.Notes {
		s.Notes[key] = there(value)
	}
	return s
}

// moved are members whose paths are others.
func moved(members []Member, there func(path string) string) []Member {
	members = slices.Clone(members)
	for i := range members {
		m := &members[i]
		m.Path, m.DataDir, m.Env = there(m.Path), there(m.DataDir), slices.Clone(m.Env)
		for j, entry := range m.Env {
			if name, value, ok := strings.Cut(entry, "="); ok {
				m.Env[j] = name + "=" + there(value)
			}
		}
	}
	return members
}

// ofAnother tells that a state is the one of another home, which is still there, and came
// with a copy of that: what it tells of runs there, and not here.
func (h Home) ofAnother(s State) bool {
	there, err := os.Stat(s.Home)
	if s.Home == "" || err != nil {
		return false
	}
	here, err := os.Stat(h.Dir)
	if err != nil || os.SameFile(there, here) {
		return false
	}
	_, err = os.Stat(Home{s.Home}.path(stateFile))
	return err == nil
}

// movedFrom is where the home was that a state is of, if it is there no more; else empty.
func (h Home) movedFrom(s State) string {
	if s.Home == "" || s.Home == h.dir() {
		return ""
	}
	if _, err := os.Stat(s.Home); !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return s.Home
}

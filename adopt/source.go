package adopt

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/lint"
)

// This file reads what people write where something is to be adopted.

// Find gives the members that the key adopts of a description names: paths are data
// folders, and anything else is on the engine.
func Find(engine Engine, adopts string) Foreign {
	names := strings.Split(adopts, ",")
	if slices.ContainsFunc(names, func(name string) bool { return strings.ContainsAny(name, `/\`) }) {
		return &Folders{Dirs: names}
	}
	return &Containers{Engine: engine, Names: names}
}

// Source gives the names, as the key adopts has them, of what somebody calls by a
// name, a data folder, or a file that describes it: the project of a Compose file,
// and of any other file the data folders in it. A folder with a Compose file is that.
func Source(arg string) ([]string, error) {
	info, err := os.Stat(arg)
	if err != nil {
		return []string{arg}, nil //nolint:nilerr // a name
	}
	if !info.IsDir() {
		return described(lint.Input{Files: []string{arg}})
	}
	if files := lint.ComposeFiles(arg); files != nil {
		return described(lint.Input{Files: files})
	}
	dir, err := filepath.Abs(arg)
	return []string{dir}, err
}

func described(in lint.Input) ([]string, error) {
	stacks, err := lint.Read([]lint.Input{in}, lint.Options{})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range stacks {
		if s.Kind == lint.ComposeProject && len(s.Members) > 0 {
			names = append(names, s.Name)
			continue
		}
		for _, m := range s.Members {
			dir := m.DataDir()
			if !filepath.IsAbs(dir) {
				dir, err = filepath.Abs(filepath.Join(filepath.Dir(in.Files[0]), dir))
			}
			names = append(names, dir)
		}
	}
	if len(names) == 0 {
		err = fmt.Errorf("there is no member of etcd in %s", strings.Join(in.Files, ", "))
	}
	return names, err
}

// head is the comment above a description.
const head = "# Described by `etcdctr adopt`. The line adopts goes once its members are adopted.\n"

// Text is the file of a description.
func (d Description) Text() string { return head + d.Spec.Text() }

// Strike takes the line out of a cluster file that says what is to be adopted, and
// the comment about it; false if it has none. A cluster that is made anew must not
// find it there again.
func Strike(file []byte) (left []byte, struck bool) {
	lines := strings.SplitAfter(string(file), "\n")
	kept := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.HasPrefix(l, "adopts:") || l == head })
	return []byte(strings.Join(kept, "")), len(kept) != len(lines)
}

// Kept tells what there is of members that were adopted.
func (s *Stack) Kept() string {
	var all []string
	for _, m := range s.Members {
		switch {
		case m.DataAt == "":
			all = append(all, m.Name)
		case m.Name == "": // its data does not name who was removed
			all = append(all, m.DataAt)
		default:
			all = append(all, m.Name+" in "+m.DataAt)
		}
	}
	return strings.Join(all, ", ")
}

// Waking are the members that were adopted, and are started again with the machine.
func (s *Stack) Waking() []string {
	var all []string
	for _, m := range s.Members {
		if m.Retired && m.Wakes {
			all = append(all, m.Name)
		}
	}
	return all
}

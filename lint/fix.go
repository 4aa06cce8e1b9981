package lint

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"
)

// canFix tells whether a finding's fix can be written, by trying it.
func (f *Finding) canFix() bool {
	if f.fix == nil {
		return false
	}
	e := newEditor()
	f.fix(e)
	e.flush()
	return !e.failed
}

// Fix gives the files in which findings are put right, by their names: those
// that are fixable. A file that would not be what it was meant to be is left
// out, and the error says so.
func Fix(findings []Finding) (map[string][]byte, error) {
	all := newEditor()
	for _, f := range findings {
		if f.Fixable {
			f.fix(all)
		}
	}
	out := all.results()
	for file, data := range out {
		var n yaml.Node
		if before := all.data[file]; yaml.Unmarshal(before, &n) == nil {
			if err := yaml.Unmarshal(data, &n); err != nil {
				return nil, fmt.Errorf("%s: what would be fixed is no YAML any more, and is left alone: %w", file, err)
			}
		}
		if bytes.Equal(data, all.data[file]) {
			delete(out, file)
		}
	}
	return out, nil
}

// Fixed is a file in which findings are put right.
type Fixed struct {
	Name          string
	Before, After []byte
}

// FixedFiles are those of Fix in the order of their names, with what they are now. What is
// no file of this machine can't be put right.
func FixedFiles(findings []Finding) ([]Fixed, error) {
	files, err := Fix(findings)
	if err != nil {
		return nil, err
	}
	var all []Fixed
	for _, name := range slices.Sorted(maps.Keys(files)) {
		before, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("cannot fix what is no file: %w", err)
		}
		all = append(all, Fixed{name, before, files[name]})
	}
	return all, nil
}

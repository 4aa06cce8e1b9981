package lint

import (
	"bytes"
	"fmt"

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

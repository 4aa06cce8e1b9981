package lint_test

import (
	"io/fs"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/etcdctr/etcdctr/lint"
)

// FuzzRead wants any file to be read, judged and fixed without a panic, and what
// was fixed to be read again.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, one := range a.Files {
			if !isResult(one.Name) && one.Name != "inputs" {
				f.Add(one.Name, one.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if name != "" && len(data) < 1<<16 {
			readAndFix(t, name, data)
		}
	})
}

func readAndFix(t *testing.T, name string, data []byte) {
	t.Helper()
	options := lint.Options{ReadFile: func(n string) ([]byte, error) {
		if n == name {
			return data, nil
		}
		return nil, fs.ErrNotExist
	}}
	stacks, err := lint.Read([]lint.Input{{Files: []string{name}}}, options)
	if err != nil {
		return
	}
	for _, s := range stacks {
		fixed, err := lint.Fix(lint.Check(s))
		if err != nil {
			t.Fatalf("a fix spoils the file: %v", err)
		}
		if after, ok := fixed[name]; ok {
			data = after
			if _, err := lint.Read([]lint.Input{{Files: []string{name}}}, options); err != nil {
				t.Fatalf("what was fixed is not read again: %v\n%s", err, data)
			}
		}
	}
}

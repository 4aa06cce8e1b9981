package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// file is one of an archive or a package.
type file struct {
	name string // with slashes
	mode os.FileMode
	data []byte
}

// texts come with every program, wherever it goes.
var texts = []string{"LICENSE", "README.md", "CHANGELOG.md"}

// shells are those that completion is for, each with the name of its file.
var shells = []struct{ name, file string }{
	{"bash", "etcdctr.bash"}, {"zsh", "_etcdctr"}, {"fish", "etcdctr.fish"}, {"powershell", "etcdctr.ps1"},
}

// contents are the files of a platform's archive.
func (r *release) contents(p platform) ([]file, error) {
	program, err := os.ReadFile(filepath.Join(r.dist, p.String(), p.program()))
	if err != nil {
		return nil, fmt.Errorf("%w: make cross builds it", err)
	}
	all := []file{{p.program(), 0o755, program}}
	for _, name := range texts {
		text, err := os.ReadFile(filepath.Join(r.source, name))
		if err != nil {
			return nil, err
		}
		all = append(all, file{name, 0o644, r.leadOut(text)})
	}
	for _, more := range []func() ([]file, error){r.completion, r.manual} {
		files, err := more()
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
	}
	return all, nil
}

// beside are links of a page to what lies beside it in the repository.
var beside = regexp.MustCompile(`\]\(([^):#][^):]*)\)`)

// leadOut has a page's links lead to the release's pages on the forge: whoever has the
// archive has none of what lies beside the page.
func (r *release) leadOut(page []byte) []byte {
	return beside.ReplaceAll(page, []byte("]("+homepage+"/blob/"+r.version+"/$1)"))
}

// completion are the scripts that shells read.
func (r *release) completion() ([]file, error) {
	var all []file
	for _, shell := range shells {
		script, err := output(r.host, "completion", shell.name)
		if err != nil {
			return nil, err
		}
		all = append(all, file{"completion/" + shell.file, 0o644, script})
	}
	return all, nil
}

// manual are the manual pages.
func (r *release) manual() ([]file, error) {
	pages, err := filepath.Glob(filepath.Join(r.dist, "man", "*.1"))
	if err != nil {
		return nil, err
	}
	if len(pages) == 0 {
		return nil, fmt.Errorf("there are no manual pages in %s", filepath.Join(r.dist, "man"))
	}
	slices.Sort(pages)
	var all []file
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			return nil, err
		}
		all = append(all, file{"man/man1/" + filepath.Base(page), 0o644, text})
	}
	return all, nil
}

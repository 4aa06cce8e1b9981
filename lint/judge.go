package lint

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Result is what there is to say of descriptions.
type Result struct {
	Stacks   []Judged  `json:"stacks"`
	Findings []Finding `json:"findings"`

	// Unread is why some of what they name was left out.
	Unread []string `json:"-"`
}

// Judged is a stack that was judged.
type Judged struct {
	Kind    Kind     `json:"kind"`
	Name    string   `json:"name,omitempty"`
	Files   []string `json:"files"`
	Members []string `json:"members"`
}

// Members is how many members there are in all stacks.
func (r Result) Members() int {
	n := 0
	for _, s := range r.Stacks {
		n += len(s.Members)
	}
	return n
}

// Judge reads descriptions, and judges them by all rules but those that are off, there or
// in the options.
// Where there is no member in any of them, that is an error.
func Judge(inputs []Input, options Options, off ...string) (Result, error) {
	stacks, err := Read(inputs, options)
	if err != nil {
		return Result{}, err
	}
	off = slices.Concat(off, options.Off)
	r := Result{Findings: []Finding{}}
	var files []string
	for _, s := range stacks {
		one := Judged{Kind: s.Kind, Name: s.Name, Files: s.Files, Members: []string{}}
		for _, m := range s.Members {
			one.Members = append(one.Members, m.Service)
		}
		for _, err := range s.Unread {
			r.Unread = append(r.Unread, err.Error())
		}
		r.Stacks, r.Findings, files = append(r.Stacks, one), append(r.Findings, Check(s, off...)...), append(files, s.Files...)
	}
	if r.Members() == 0 {
		return r, fmt.Errorf("there is no member of etcd in %s", strings.Join(files, ", "))
	}
	return r, nil
}

// InputAt is the file of a path, or of a folder its Compose files, or its Procfile.
func InputAt(path string) (Input, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return Input{Files: []string{path}}, nil // whose reading says what is wrong
	}
	files := described(path)
	if files == nil {
		where := "in " + path
		if path == "." {
			where = "in this folder"
		}
		return Input{}, fmt.Errorf("there is no Compose file and no Procfile %s: name the files that are to be judged", where)
	}
	return Input{Files: files}, nil
}

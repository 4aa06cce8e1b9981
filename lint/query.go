package lint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/etcdctr/etcdctr/internal/option"
)

// Query says what is to be judged, and by what, as somebody asks for it.
type Query struct {
	// Project are Compose files that are one project, each over those before it.
	Project []string
	// Paths are further descriptions: files, folders with Compose files, and - for what
	// Stdin gives.
	Paths []string
	Stdin io.Reader
	// Etcd is the release of members whose description does not tell, such as 3.5.9;
	// may be empty.
	Etcd string
	// EnvFiles and Off are those of Options.
	EnvFiles, Off []string
}

// Read gives what Judge takes, with the variables of this process. The error is about
// everything that is wrong with the query.
func (q Query) Read() (inputs []Input, o Options, err error) {
	var errs []error
	if err := CheckIDs(q.Off); err != nil {
		errs = append(errs, option.Errorf("%s: %w", option.Name("off"), err))
	}
	o = Options{EnvFiles: q.EnvFiles, Off: q.Off, Environment: Environ(os.Environ())}
	if q.Etcd != "" {
		if o.Release, err = ReadRelease(q.Etcd); err != nil {
			errs = append(errs, option.Errorf("%s: %w", option.Name("etcd"), err))
		}
	}
	if len(q.Project) > 0 {
		inputs = append(inputs, Input{Files: q.Project})
	}
	for _, path := range q.Paths {
		in, err := q.input(path)
		inputs, errs = append(inputs, in), append(errs, err)
	}
	return inputs, o, errors.Join(errs...)
}

func (q Query) input(path string) (Input, error) {
	if path != "-" {
		return InputAt(path)
	}
	data, err := io.ReadAll(q.Stdin)
	return Input{Name: "standard input", Data: data}, err
}

// Formats are how a result is written for programs.
func Formats() []string { return []string{"json", "sarif", "github"} }

// Write writes the result in one of the Formats. Version is that of the program that has
// judged.
func (r Result) Write(w io.Writer, format, version string) error {
	switch format {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	case "sarif":
		return WriteSARIF(w, r.Findings, version)
	case "github":
		return WriteGitHub(w, r.Findings)
	}
	return fmt.Errorf("format: there is no %q: use one of %v", format, Formats())
}

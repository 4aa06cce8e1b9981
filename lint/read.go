package lint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"

	"github.com/etcdctr/etcdctr/cluster"
)

// Options say how descriptions are read and judged.
type Options struct {
	// Environment is what variables in Compose files are filled from.
	Environment map[string]string
	// EnvFiles are read for the same instead of the folder's .env.
	EnvFiles []string
	// Release is that of members whose description does not tell.
	Release Release
	// Off are the IDs of rules that are not asked.
	Off []string
	// ImageUser tells which user an image runs as that is at hand, empty where it is not, or
	// where that is root. It is asked about images of upstream's name, whose maker the name
	// does not tell; nil knows none.
	ImageUser func(image string) string
	// ReadFile reads a file; nil reads those of this machine.
	ReadFile func(name string) ([]byte, error)
}

// ReadRelease reads what Release takes, as a person writes it.
func ReadRelease(text string) (Release, error) {
	r, ok := ParseRelease(text)
	if !ok {
		return r, fmt.Errorf("%q is not an etcd release: write it as 3.5.9 or 3.5", text)
	}
	return r, nil
}

// Environ makes an Environment of variables as os.Environ gives them.
func Environ(variables []string) map[string]string {
	environment := map[string]string{}
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		environment[name] = value
	}
	return environment
}

// Input is one description: files that belong together, or the answer of an
// engine.
type Input struct {
	// Files of one project, each over those before it. Several are Compose
	// files.
	Files []string
	// Name and Data are what there is to read instead of files.
	Name string
	Data []byte
	// Live tells that Data is an engine's answer, which nobody has as a file: what is
	// found stands in the container of that name then.
	Live bool
}

// ComposeFiles gives the Compose files of a folder as Compose looks for them: a
// file, and another that overrides it.
func ComposeFiles(dir string) []string {
	var out []string
	for _, names := range [][]string{cli.DefaultFileNames, cli.DefaultOverrideFileNames} {
		for _, name := range names {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); err == nil && !info.IsDir() {
				out = append(out, path)
				break
			}
		}
		if out == nil {
			break
		}
	}
	return out
}

// described are the files of a folder that are judged where none is named: its Compose
// files or, where it has none, its Procfile.
func described(dir string) []string {
	if files := ComposeFiles(dir); files != nil {
		return files
	}
	path := filepath.Join(dir, string(Procfile))
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return nil
	}
	return []string{path}
}

// ErrNotKnown is the kind of error of a file that is no description of etcd in
// a form that is known here.
var ErrNotKnown = errors.New("is no description that lint knows: a Compose file, an environment file, the JSON of `docker inspect`, a Procfile, a systemd unit or etcd's configuration file")

// Read reads descriptions. Inputs of a kind that describes one member each,
// such as units, become one stack. The error names every input that cannot be
// read; the stacks of the others are there all the same.
func Read(inputs []Input, o Options) ([]*Stack, error) {
	r := &reader{options: o, given: map[string][]byte{}, used: map[string]bool{}}
	var errs []error
	for _, in := range inputs {
		if err := r.input(in); err != nil {
			errs = append(errs, err)
		}
	}
	for _, s := range r.stacks {
		for _, m := range s.Members {
			if !m.Release.Known {
				m.Release = o.Release
			}
		}
	}
	return r.withoutUsed(), errors.Join(errs...)
}

// ErrOurs is the kind of error of a cluster file, which whoever makes something of it
// checks.
var ErrOurs = errors.New("is a cluster file, and lint judges what others wrote")

type reader struct {
	used    map[string]bool   // environment files that others read
	given   map[string][]byte // instead of files
	options Options
	stacks  []*Stack
}

func (r *reader) read(name string) ([]byte, error) {
	if data, ok := r.given[name]; ok {
		return data, nil
	}
	read := r.options.ReadFile
	if read == nil {
		read = os.ReadFile
	}
	data, err := read(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	return data, nil
}

func unreadable(name string, err error) error {
	return fmt.Errorf("%s: cannot be read: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
}

func (r *reader) input(in Input) error {
	if len(in.Files) > 1 {
		return r.compose(in.Files)
	}
	name, data := in.Name, in.Data
	if len(in.Files) == 1 {
		var err error
		name = in.Files[0]
		if data, err = r.read(name); err != nil {
			return err
		}
	} else {
		r.given[name] = data
	}
	switch sniff(name, data) {
	case ComposeProject:
		return r.compose([]string{name})
	case Containers:
		return r.inspected(name, data, in.Live)
	case Procfile:
		return r.procfile(name, data)
	case Systemd:
		return r.unit(name, data)
	case EnvFile:
		return r.variablesFile(name)
	case ConfigFile:
		return r.configuration(name, data)
	}
	if spec, err := cluster.Load(name, data); err == nil && !spec.SaysNothing() {
		return fmt.Errorf("%s: %w", name, ErrOurs)
	}
	return fmt.Errorf("%s: %w", name, ErrNotKnown)
}

// shared gives the stack of a kind whose descriptions are of one member each.
func (r *reader) shared(k Kind, file string) *Stack {
	i := slices.IndexFunc(r.stacks, func(s *Stack) bool { return s.Kind == k })
	if i < 0 {
		i = len(r.stacks)
		r.stacks = append(r.stacks, &Stack{Kind: k})
	}
	r.stacks[i].Files = append(r.stacks[i].Files, file)
	return r.stacks[i]
}

// withoutUsed drops environment files that another description reads.
func (r *reader) withoutUsed() []*Stack {
	for _, s := range r.stacks {
		if s.Kind == EnvFile {
			s.Members = slices.DeleteFunc(s.Members, func(m *Member) bool { return r.used[m.At.File] })
			s.Files = slices.DeleteFunc(s.Files, func(f string) bool { return r.used[f] })
		}
	}
	return slices.DeleteFunc(r.stacks, func(s *Stack) bool { return len(s.Files) == 0 })
}

// compose reads one Compose project.
func (r *reader) compose(files []string) error {
	p, err := r.composeProject(files)
	if err != nil {
		return err
	}
	s := &Stack{Kind: ComposeProject, Name: p.name, Files: files, root: p.root, docs: p.docs}
	if s.Off, err = readOff(p.root); err != nil {
		return err
	}
	for _, svc := range p.services {
		c := r.container(p, svc)
		s.Containers = append(s.Containers, c)
		m, ok := memberIn(c)
		if !ok {
			continue
		}
		if m.off, err = readOff(svc.v); err != nil {
			return err
		}
		r.fromConfigFile(s, m, p.dir)
		s.Members = append(s.Members, m)
	}
	s.Unread = append(s.Unread, p.unread...)
	r.stacks = append(r.stacks, s)
	return nil
}

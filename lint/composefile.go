package lint

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/template"
)

// This file brings together what Compose reads for one project: several files,
// those that they include and extend, and the variables in them. compose-go
// does the same, and forgets where anything was written; a test compares the
// two.

// project is a Compose project with the place of everything in it.
type project struct {
	name     string
	dir      string
	root     *value            // the files merged
	services []*service        // in the order of the files
	own      map[string]*value // where each service is written itself
	docs     []*document
	unread   []error // what it names and what could not be read
}

type service struct {
	name string
	at   Place
	v    *value // with all that it extends, and all files' layers
}

// composeFiles reads files that are one project.
type composeFiles struct {
	*reader
	docs      []*document
	own       map[string]*value
	extending []string // file and service, of the extensions on the way
	including []string
}

func (r *reader) composeProject(names []string) (*project, error) {
	dir := filepath.Dir(names[0])
	c := &composeFiles{reader: r, own: map[string]*value{}}
	variables, err := r.dotEnv(dir, r.options.EnvFiles)
	if err != nil {
		return nil, err
	}
	root, err := c.merged(names, dir, variables)
	if err != nil {
		return nil, err
	}
	p := &project{dir: dir, root: root, own: c.own, docs: c.docs, name: root.get("name").text}
	if p.name == "" {
		p.name = folderName(dir)
	}
	for _, e := range root.get("services").entries {
		p.services = append(p.services, &service{name: e.key, at: e.at, v: e.value})
	}
	return p, nil
}

// folderName is the project's name where the file has none.
func folderName(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return loader.NormalizeProjectName(filepath.Base(dir))
}

// merged reads files, each over those before it.
func (c *composeFiles) merged(names []string, dir string, variables map[string]string) (*value, error) {
	var root *value
	for _, name := range names {
		one, err := c.file(name, dir, variables)
		if err != nil {
			return nil, err
		}
		root = overlay("", root, one)
	}
	return root, nil
}

// file reads one file with what it extends and includes.
func (c *composeFiles) file(name, dir string, variables map[string]string) (*value, error) {
	data, err := c.read(name)
	if err != nil {
		return nil, err
	}
	d := &document{file: name, data: data, dir: dir, substitute: c.substitution(variables)}
	root, err := parseYAML(d)
	if err != nil {
		return nil, unreadable(name, err)
	}
	c.docs = append(c.docs, d)
	if root.kind != mapping && root.kind != null {
		return nil, fmt.Errorf("%s: is no Compose file: it must be keys with values, such as services", root.at)
	}
	services := root.get("services")
	whole := make([]*value, len(services.entries))
	for i, e := range services.entries {
		c.own[e.key] = cmp.Or(c.own[e.key], e.value)
		if whole[i], err = c.extended(e.key, e.value, services, d); err != nil {
			return nil, err
		}
	}
	for i := range whole {
		services.entries[i].value = whole[i]
	}
	return c.included(root, d, variables)
}

// extended gives a service over the one that it extends.
func (c *composeFiles) extended(name string, v, siblings *value, d *document) (*value, error) {
	ext, ok := v.find("extends")
	if !ok {
		return v, nil
	}
	base, file := ext.value.get("service").text, ext.value.get("file").text
	if ext.value.kind == scalar {
		base = ext.value.text
	}
	step := d.file + "\x00" + name
	if slices.Contains(c.extending, step) {
		return nil, fmt.Errorf("%s: %s extends itself, by way of others", ext.at, name)
	}
	c.extending = append(c.extending, step)
	defer func() { c.extending = c.extending[:len(c.extending)-1] }()
	if file != "" {
		path := within(d.dir, file)
		data, err := c.read(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", ext.at, err)
		}
		d = &document{file: path, data: data, dir: filepath.Dir(path), substitute: d.substitute}
		root, err := parseYAML(d)
		if err != nil {
			return nil, unreadable(path, err)
		}
		c.docs = append(c.docs, d)
		siblings = root.get("services")
	}
	found, ok := siblings.find(base)
	if !ok {
		return nil, fmt.Errorf("%s: %s extends %q, which is no service of %s", ext.at, name, base, d.file)
	}
	under, err := c.extended(base, found.value, siblings, d)
	if err != nil {
		return nil, err
	}
	return overlay("services.*", under, v), nil
}

// included adds the projects that a file includes. What the file has itself
// stays as it is.
func (c *composeFiles) included(root *value, d *document, variables map[string]string) (*value, error) {
	include := root.get("include")
	for _, item := range include.items {
		paths := item.words()
		dir := ""
		own := variables
		if item.kind == mapping {
			paths, dir = item.get("path").words(), item.get("project_directory").text
		}
		if len(paths) == 0 {
			continue
		}
		for i := range paths {
			paths[i] = within(d.dir, paths[i])
		}
		if dir == "" {
			dir = filepath.Dir(paths[0])
		} else {
			dir = within(d.dir, dir)
		}
		if slices.Contains(c.including, paths[0]) {
			return nil, fmt.Errorf("%s: %s includes itself, by way of others", item.at, paths[0])
		}
		own, err := c.includedVariables(item, d, dir, own)
		if err != nil {
			return nil, err
		}
		c.including = append(c.including, paths[0])
		part, err := c.merged(paths, dir, own)
		c.including = c.including[:len(c.including)-1]
		if err != nil {
			return nil, fmt.Errorf("%s: %w", item.at, err)
		}
		root = overlay("", part, root)
	}
	return root, nil
}

func (c *composeFiles) includedVariables(item *value, d *document, dir string, parent map[string]string) (map[string]string, error) {
	var files []string
	for _, f := range item.get("env_file").words() {
		files = append(files, within(d.dir, f))
	}
	own, err := c.dotEnv(dir, files)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, m := range []map[string]string{own, parent} {
		for k, v := range m {
			all[k] = v
		}
	}
	return all, nil
}

// dotEnv reads the variables for a project: those of files, or of the folder's
// .env, under those of the environment.
func (r *reader) dotEnv(dir string, files []string) (map[string]string, error) {
	all := map[string]string{}
	given := len(files) > 0
	if !given {
		files = []string{filepath.Join(dir, ".env")}
	}
	lookup := func(name string) (string, bool) {
		if v, ok := r.options.Environment[name]; ok {
			return v, true
		}
		v, ok := all[name]
		return v, ok
	}
	for _, f := range files {
		data, err := r.read(f)
		if !given && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		vars, err := dotenv.UnmarshalBytesWithLookup(data, lookup)
		if err != nil {
			return nil, unreadable(f, err)
		}
		for k, v := range vars {
			all[k] = v
		}
	}
	for k, v := range r.options.Environment {
		all[k] = v
	}
	return all, nil
}

// substitution puts variables into text as Compose does. What it would refuse
// for want of a value stays as it is written: it will have one when it runs.
func (c *composeFiles) substitution(variables map[string]string) func(string) string {
	lookup := func(name string) (string, bool) { v, ok := variables[name]; return v, ok }
	return func(text string) string {
		if !strings.Contains(text, "$") {
			return text
		}
		out, err := template.SubstituteWithOptions(text, lookup, template.WithoutLogging)
		if err != nil {
			return text
		}
		return out
	}
}

// within gives a path of a file as it is from where the caller is.
func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

package lint

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/format"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/mattn/go-shellwords"
)

// container reads a service of a Compose project.
func (r *reader) container(p *project, s *service) *Container {
	v := s.v
	c := &Container{
		Service: s.name, At: s.at, v: v, own: p.own[s.name],
		ContainerName: v.get("container_name").text,
		Hostname:      v.get("hostname").text,
		Image:         v.get("image").text,
		Built:         v.get("build").kind != null,
		Ports:         ports(v.get("ports")),
		Mounts:        append(mounts(v.get("volumes")), tmpfs(v.get("tmpfs"))...),
		Networks:      names(v.get("networks")),
		NetworkMode:   v.get("network_mode").text,
		Health:        readHealth(v.get("healthcheck")),
		DependsOn:     withLinks(dependencies(v.get("depends_on")), v.get("links")),
		Restart:       v.get("restart").text,
		Replicas:      v.get("deploy").kind == mapping,
		LogDriver:     v.get("logging", "driver").text,
		LogOptions:    pairs(v.get("logging", "options")),
		ReadOnly:      v.get("read_only").truth(),
		CapDrop:       v.get("cap_drop").words(),
		SecurityOpt:   v.get("security_opt").words(),
		User:          v.get("user").text,
		WorkingDir:    v.get("working_dir").text,
		Labels:        pairs(v.get("labels")),
	}
	c.image, c.imageUser = readImage(c.Image), r.options.ImageUser
	c.Entrypoint, _ = commandLine(v.get("entrypoint"))
	c.Command, c.Script = commandLine(v.get("command"))
	c.Names = reachableNames(c, v.get("networks"))
	c.Variables = slices.Concat(r.envFiles(p, s), r.variables(v.get("environment")))
	return c
}

// reachableNames are those by which other containers of the project reach one.
func reachableNames(c *Container, networks *value) []string {
	out := []string{c.Service}
	for _, n := range []string{c.ContainerName, c.Hostname} {
		if n != "" {
			out = append(out, n)
		}
	}
	for _, part := range networks.parts() {
		for _, e := range part.entries {
			out = append(out, e.value.get("aliases").words()...)
			for _, key := range []string{"ipv4_address", "ipv6_address"} {
				if ip := e.value.get(key).text; ip != "" {
					out = append(out, ip)
				}
			}
		}
	}
	return out
}

// names are the keys of a mapping, or the words of a list.
func names(v *value) []string {
	out := v.words()
	for _, part := range v.parts() {
		for _, e := range part.entries {
			out = append(out, e.key)
		}
	}
	return out
}

// pairs reads a mapping, or a list of KEY=VALUE.
func pairs(v *value) map[string]string {
	out := map[string]string{}
	for _, part := range v.parts() {
		for _, e := range part.entries {
			out[e.key] = e.value.text
		}
		for _, item := range part.items {
			k, val, _ := strings.Cut(item.text, "=")
			out[k] = val
		}
	}
	return out
}

// commandLine reads a list of words, or a string, which Compose splits into
// words without a shell.
func commandLine(v *value) (words []word, script bool) {
	if v.kind == scalar {
		split, err := shellwords.Parse(v.text)
		if err != nil {
			return []word{{v.text, v.at}}, true
		}
		for _, s := range split {
			words = append(words, word{s, v.locate(s)})
		}
		return words, true
	}
	for _, item := range v.items {
		words = append(words, word{item.text, item.at})
	}
	return words, false
}

// locate gives the place of some text within a scalar, which may span lines.
func (v *value) locate(text string) Place {
	if v.doc == nil || text == "" {
		return v.at
	}
	return v.doc.search(v.at, text)
}

// variables reads an environment in all its layers, each overriding those
// before.
func (r *reader) variables(v *value) []*variable {
	var out []*variable
	for _, part := range v.parts() {
		for _, e := range part.entries {
			in := e.in
			out = append(out, r.variable(&variable{
				name: e.key, value: e.value.text, set: e.value.kind == scalar, at: e.at, entry: e, in: in, file: in.doc,
			}))
		}
		for _, item := range part.items {
			name, val, set := strings.Cut(item.text, "=")
			out = append(out, r.variable(&variable{
				name: name, value: val, set: set, at: item.at, item: item, in: part, file: part.doc,
			}))
		}
	}
	return out
}

// variable gives one without a value that of the caller's environment, as
// Compose does.
func (r *reader) variable(v *variable) *variable {
	if !v.set {
		v.value, v.set = r.lookup(v.name)
	}
	return v
}

func (r *reader) lookup(name string) (string, bool) {
	val, ok := r.options.Environment[name]
	return val, ok
}

// envFiles reads the environment files of a service. One that can't be read may
// be where the containers run, and is told of.
func (r *reader) envFiles(p *project, s *service) []*variable {
	var out []*variable
	for _, part := range s.v.get("env_file").parts() {
		items := part.items
		if part.kind == scalar {
			items = []*value{part}
		}
		for _, item := range items {
			file, required := item.text, true
			if item.kind == mapping {
				file = item.get("path").text
				required = item.get("required").text != "false"
			}
			if file == "" {
				continue
			}
			path := within(dirOf(item, p), file)
			r.used[path] = true
			vars, err := r.envFile(path)
			if err != nil {
				if required {
					p.unread = append(p.unread, fmt.Errorf("%s: %w: what it says was not judged", item.at, err))
				}
				continue
			}
			out = append(out, vars...)
		}
	}
	return out
}

func dirOf(v *value, p *project) string {
	if v.doc != nil {
		return v.doc.dir
	}
	return p.dir
}

// envFile reads a file of NAME=VALUE lines.
func (r *reader) envFile(name string) ([]*variable, error) {
	data, err := r.read(name)
	if err != nil {
		return nil, err
	}
	vars, err := dotenv.UnmarshalBytesWithLookup(data, r.lookup)
	if err != nil {
		return nil, unreadable(name, err)
	}
	d := &document{file: name, data: data}
	var out []*variable
	for i, line := range strings.Split(string(data), "\n") {
		key := strings.TrimPrefix(strings.TrimSpace(line), "export ")
		key, _, _ = strings.Cut(key, "=")
		key = strings.TrimSpace(key)
		val, ok := vars[key]
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		delete(vars, key) // the rest of a value of several lines is none
		out = append(out, &variable{
			name: key, value: val, set: true, at: Place{name, i + 1, strings.Index(line, key) + 1}, file: d, line: i + 1,
		})
	}
	return out, nil
}

func ports(v *value) []port {
	var out []port
	for _, part := range v.parts() {
		for _, item := range part.items {
			if item.kind == mapping {
				target, _ := strconv.Atoi(item.get("target").text)
				out = append(out, port{
					hostIP: item.get("host_ip").text, published: item.get("published").text,
					target: target, at: item.at, v: item, in: part,
				})
				continue
			}
			parsed, err := types.ParsePortConfig(item.text)
			if err != nil {
				continue
			}
			for _, p := range parsed {
				out = append(out, port{hostIP: p.HostIP, published: p.Published, target: int(p.Target), at: item.at, v: item, in: part})
			}
		}
	}
	return out
}

func mounts(v *value) []mount {
	byTarget := map[string]int{}
	var out []mount
	for _, part := range v.parts() {
		for _, item := range part.items {
			m, ok := readMount(item)
			if !ok {
				continue
			}
			if i, again := byTarget[m.target]; again {
				out[i] = m
				continue
			}
			byTarget[m.target] = len(out)
			out = append(out, m)
		}
	}
	return out
}

func readMount(item *value) (mount, bool) {
	if item.kind == mapping {
		return mount{
			kind: item.get("type").text, source: item.get("source").text, target: path.Clean(item.get("target").text),
			readOnly: item.get("read_only").truth(), at: item.at, v: item,
		}, true
	}
	parsed, err := format.ParseVolume(item.text)
	if err != nil {
		return mount{}, false
	}
	return mount{
		kind: parsed.Type, source: parsed.Source, target: path.Clean(parsed.Target),
		readOnly: parsed.ReadOnly, at: item.at, v: item,
	}, true
}

func tmpfs(v *value) []mount {
	var out []mount
	for _, item := range v.scalars() {
		target, _, _ := strings.Cut(item.text, ":")
		out = append(out, mount{kind: "tmpfs", target: path.Clean(target), at: item.at, v: item})
	}
	return out
}

func readHealth(v *value) health {
	h := health{at: v.at, given: v.get("test").kind != null, disabled: v.get("disable").truth()}
	test := v.get("test")
	h.test, h.v = test.words(), test
	if test.kind == scalar {
		h.test = []string{"CMD-SHELL", test.text}
	}
	if len(h.test) > 0 && h.test[0] == "NONE" {
		h.disabled = true
	}
	return h
}

// withLinks adds what a service is linked to: it starts after that, too.
func withLinks(out []dependency, links *value) []dependency {
	for _, item := range links.scalars() {
		service, _, _ := strings.Cut(item.text, ":")
		if !slices.ContainsFunc(out, func(d dependency) bool { return d.service == service }) {
			out = append(out, dependency{service: service, at: item.at, v: item})
		}
	}
	return out
}

func dependencies(v *value) []dependency {
	var out []dependency
	for _, part := range v.parts() {
		for _, item := range part.items {
			out = append(out, dependency{service: item.text, at: item.at, v: item, in: part})
		}
		for _, e := range part.entries {
			out = append(out, dependency{service: e.key, condition: e.value.get("condition").text, at: e.at, v: e.value, in: part})
		}
	}
	return out
}

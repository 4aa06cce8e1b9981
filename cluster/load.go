package cluster

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Load reads a cluster file. It is strict: unknown and repeated keys, values
// of the wrong form and a second document are Problems, each with its line, and
// reported together with what is wrong with the values that could be read. file
// is only used in messages.
//
// The Spec that comes with an error is for more of the same: with flags laid
// over it, Mistakes tells what is wrong with both.
func Load(file string, data []byte) (Spec, error) {
	l := &loader{source: source{file: file, lines: map[string]int{}}}
	spec := Spec{source: &l.source}

	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if len(strings.TrimSpace(string(data))) == 0 || err.Error() == "EOF" {
			return spec, nil // nothing said: every default
		}
		return l.unreadable(spec, l.syntax(err))
	}
	if err := dec.Decode(&yaml.Node{}); err == nil {
		return l.unreadable(spec, l.problem("", "has a second document: one file describes one cluster"))
	} else if err.Error() != "EOF" {
		return l.unreadable(spec, l.syntax(err))
	}
	if isNull(doc.Content[0]) {
		return spec, nil
	}
	l.structure("", doc.Content[0], reflect.ValueOf(&spec).Elem())
	spec.source.problems = l.problems
	if len(spec.source.unclear()) > 0 {
		return spec, Mistakes(spec)
	}
	return spec, nil
}

// unreadable is for a file of which nothing can be said but one thing.
func (l *loader) unreadable(spec Spec, p Problem) (Spec, error) {
	spec.source.problems, spec.source.unreadable = Problems{p}, true
	return spec, spec.source.problems
}

// loader fills a Spec from YAML nodes and collects what is wrong with them.
type loader struct {
	source
	problems Problems
	listed   bool // all known keys have been told
}

func (l *loader) report(path string, n *yaml.Node, format string, args ...any) {
	l.problems = append(l.problems, Problem{
		File: l.file, Line: n.Line, Path: path, Message: fmt.Sprintf(format, args...),
	})
}

// syntax turns the YAML reader's error, which names its line in its text, into
// a Problem.
func (l *loader) syntax(err error) Problem {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	p := Problem{File: l.file, Message: "is not valid YAML: " + msg}
	if rest, ok := strings.CutPrefix(msg, "line "); ok {
		if num, text, ok := strings.Cut(rest, ": "); ok {
			p.Line, _ = strconv.Atoi(num)
			p.Message = "is not valid YAML: " + text
		}
	}
	return p
}

// structure fills a struct whose fields carry `key` tags from a mapping.
func (l *loader) structure(path string, n *yaml.Node, into reflect.Value) {
	fields := map[string]reflect.Value{}
	var known []string
	for i := range into.NumField() {
		if key := into.Type().Field(i).Tag.Get("key"); key != "" {
			fields[key] = into.Field(i)
			known = append(known, key)
		}
	}
	l.mapping(path, n, func(key string, at string, k, v *yaml.Node) {
		field, ok := fields[key]
		if !ok {
			l.unknown(at, k, known)
			l.meant(path, Nearest(key, known), k, v, fields)
			return
		}
		l.value(at, v, field)
	})
}

// unknown reports a key that there is not. All that there are is told once.
func (l *loader) unknown(at string, k *yaml.Node, known []string) {
	near := Nearest(k.Value, known) != ""
	if !near && l.listed {
		l.report(at, k, "is not a known key")
		return
	}
	l.listed = l.listed || !near
	l.report(at, k, "is not a known key: %s", didYouMean(k.Value, known))
}

// meant reads the value of a misspelt key as that of the key that was meant, so
// that what is wrong with it, and with what goes together with it, is told too.
func (l *loader) meant(path, key string, k, v *yaml.Node, fields map[string]reflect.Value) {
	if field, ok := fields[key]; ok && field.IsZero() {
		at := join(path, key)
		l.lines[at] = k.Line
		l.value(at, v, field)
	}
}

// mapping calls visit for each key of a mapping, once.
func (l *loader) mapping(path string, n *yaml.Node, visit func(key, at string, k, v *yaml.Node)) {
	n = resolveAlias(n)
	if n == nil || n.Kind != yaml.MappingNode {
		l.report(path, orEmpty(n), "must be keys with values, like `name: etcd`")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		at := join(path, k.Value)
		switch {
		case k.Kind != yaml.ScalarNode:
			l.report(path, k, "has a key that is not a word")
		case seen[k.Value]:
			l.repeated = append(l.repeated, Problem{File: l.file, Line: k.Line, Path: at, Message: "is given twice: keep one"})
		default:
			seen[k.Value] = true
			l.lines[at] = k.Line
			visit(k.Value, at, k, v)
		}
	}
}

func (l *loader) value(at string, n *yaml.Node, into reflect.Value) {
	switch into.Interface().(type) {
	case Members:
		l.members(at, n, into.Addr().Interface().(*Members))
	case map[string]string:
		m := map[string]string{}
		l.mapping(at, n, func(key, at string, _, v *yaml.Node) {
			m[key] = l.scalar(at, v)
		})
		into.Set(reflect.ValueOf(m))
	case *AuthSpec:
		if r := resolveAlias(n); r == nil || isNull(r) {
			return
		}
		auth := &AuthSpec{}
		into.Set(reflect.ValueOf(auth))
		l.structure(at, n, reflect.ValueOf(auth).Elem())
	case []RoleSpec:
		l.roles(at, n, into.Addr().Interface().(*[]RoleSpec))
	case []UserSpec:
		l.users(at, n, into.Addr().Interface().(*[]UserSpec))
	case []string:
		l.list(at, n, "[one, other]", func(at string, item *yaml.Node) {
			into.Set(reflect.Append(into, reflect.ValueOf(l.scalar(at, item))))
		})
	case *string:
		text := l.scalar(at, n)
		into.Set(reflect.ValueOf(&text))
	case BackupSpec, KeepSpec, CertsSpec:
		l.structure(at, n, into)
	default: // string
		into.SetString(l.scalar(at, n))
	}
}

// scalar gives a value as it was written. A null counts as not given.
func (l *loader) scalar(at string, n *yaml.Node) string {
	n = resolveAlias(n)
	if n == nil || n.Kind != yaml.ScalarNode {
		l.report(at, orEmpty(n), "must be a single value, not %s", kindName(n))
		return ""
	}
	if isNull(n) {
		return ""
	}
	return n.Value
}

func (l *loader) members(at string, n *yaml.Node, into *Members) {
	n = resolveAlias(n)
	if n == nil {
		l.report(at, orEmpty(n), "must be a number or a list of members")
		return
	}
	if n.Kind != yaml.ScalarNode && len(n.Content) == 0 {
		l.report(at, n, "is empty: name at least one member, or leave the key out")
		return
	}
	if n.Kind == yaml.MappingNode {
		l.hosts(at, n, into)
		return
	}
	if n.Kind == yaml.ScalarNode {
		if isNull(n) {
			return
		}
		c, err := strconv.Atoi(n.Value)
		if err != nil || c < 1 {
			l.report(at, n, "must be a number from 1 to %d or a list of members, not %q", MaxMembers, n.Value)
			return
		}
		into.Count = c
		return
	}
	for i, item := range n.Content {
		itemAt := fmt.Sprintf("%s[%d]", at, i)
		l.lines[itemAt] = item.Line
		var m MemberSpec
		if r := resolveAlias(item); r != nil && r.Kind == yaml.ScalarNode {
			m.Name = l.scalar(itemAt, r)
		} else {
			l.structure(itemAt, item, reflect.ValueOf(&m).Elem())
		}
		into.List = append(into.List, m)
	}
}

// hosts reads members that are written as names with the addresses of their
// machines.
func (l *loader) hosts(at string, n *yaml.Node, into *Members) {
	l.mapping(at, n, func(name, _ string, k, v *yaml.Node) {
		itemAt := memberPath(len(into.List))
		l.lines[itemAt] = k.Line
		into.List = append(into.List, MemberSpec{Name: name, Host: l.scalar(itemAt+".host", v)})
	})
}

func resolveAlias(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func orEmpty(n *yaml.Node) *yaml.Node {
	if n == nil {
		return &yaml.Node{}
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func kindName(n *yaml.Node) string {
	if n != nil && n.Kind == yaml.SequenceNode {
		return "a list"
	}
	return "a group of keys"
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Nearest gives the known word nearest to what was written; empty when none is
// near.
func Nearest(written string, known []string) string {
	best, distance := "", max(1, len(written)/3)+1
	for _, k := range known {
		if d := editDistance(written, k); d < distance {
			best, distance = k, d
		}
	}
	for _, has := range []func(known string) bool{
		func(k string) bool { return strings.Contains("-"+k+"-", "-"+written+"-") },
		func(k string) bool { return strings.HasPrefix(k, written) },
	} {
		if best == "" && written != "" {
			best = onlyOneWith(has, known)
		}
	}
	return best
}

// onlyOneWith gives the known word that what was written is a part of, if there is
// one only. A part is whole from hyphen to hyphen, as quota of quota-backend-bytes,
// or else a beginning.
func onlyOneWith(has func(known string) bool, known []string) string {
	found := ""
	for _, k := range known {
		if !has(k) {
			continue
		}
		if found != "" {
			return ""
		}
		found = k
	}
	return found
}

// didYouMean names the known word nearest to what was written, or all of them
// when none is near and they are few.
func didYouMean(written string, known []string) string {
	if best := Nearest(written, known); best != "" {
		return fmt.Sprintf("did you mean %s?", best)
	}
	const few = 50
	if len(known) > few {
		return "its settings are its flags, without the dashes"
	}
	return "known are " + strings.Join(known, ", ")
}

// editDistance counts the letters to add, drop, change or swap with their
// neighbour (optimal string alignment).
func editDistance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

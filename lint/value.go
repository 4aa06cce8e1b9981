package lint

import (
	"go.yaml.in/yaml/v3"
)

type kind int

const (
	null kind = iota
	scalar
	mapping
	list
)

// value is a value of a file, however it was written, that knows where that
// was. Anchors and merge keys are resolved, variables substituted.
type value struct {
	kind    kind
	text    string // of a scalar
	entries []entry
	items   []*value
	tag     string // what Compose means by !reset and !override
	at      Place

	// doc and node are where the value may be edited; nil in what is no YAML.
	doc  *document
	node *yaml.Node
	// layers are the values of several files for one key that adds up, the
	// first file's first. A value with layers has nothing else.
	layers []*value
}

// entry is a key of a mapping with its value.
type entry struct {
	key   string
	at    Place
	node  *yaml.Node // of the key
	in    *value     // the mapping that it is written in
	value *value
}

// find gives the entry of a key; of a key that is written twice, the last.
func (v *value) find(key string) (entry, bool) {
	if v != nil && v.kind == mapping {
		for i := len(v.entries) - 1; i >= 0; i-- {
			if v.entries[i].key == key {
				return v.entries[i], true
			}
		}
	}
	return entry{}, false
}

// get follows keys; what is not there is an empty value.
func (v *value) get(keys ...string) *value {
	for _, key := range keys {
		e, ok := v.find(key)
		if !ok {
			return &value{}
		}
		v = e.value
	}
	return v
}

// parts are a value's layers, or the value itself.
func (v *value) parts() []*value {
	if v == nil || v.kind == null && v.layers == nil {
		return nil
	}
	if v.layers != nil {
		return v.layers
	}
	return []*value{v}
}

// words gives a scalar, or the scalars of a list, of all layers.
func (v *value) words() []string {
	var words []string
	for _, one := range v.scalars() {
		words = append(words, one.text)
	}
	return words
}

func (v *value) scalars() []*value {
	var out []*value
	for _, part := range v.parts() {
		switch part.kind {
		case scalar:
			out = append(out, part)
		case list:
			for _, item := range part.items {
				if item.kind == scalar {
					out = append(out, item)
				}
			}
		}
	}
	return out
}

// truth reads a boolean the way YAML does.
func (v *value) truth() bool {
	return v != nil && (v.text == "true" || v.text == "True" || v.text == "TRUE")
}

// document is a YAML file as it is read.
type document struct {
	file string
	data []byte
	dir  string // that relative paths in it are meant from
	// substitute resolves the variables in a scalar; nil leaves them.
	substitute func(string) string
	seen       map[*yaml.Node]*value
	root       *yaml.Node
	starts     []int // of the lines, once asked for
}

// parseYAML reads the first document of a file.
func parseYAML(d *document) (*value, error) {
	var n yaml.Node
	if err := yaml.Unmarshal(d.data, &n); err != nil {
		return nil, err
	}
	d.seen = map[*yaml.Node]*value{}
	if len(n.Content) == 0 {
		return &value{at: d.place(&n)}, nil
	}
	d.root = n.Content[0]
	return d.value(d.root), nil
}

func (d *document) place(n *yaml.Node) Place {
	return Place{File: d.file, Line: n.Line, Column: n.Column}
}

// value turns a node into a value. A node is turned once, whatever many aliases
// stand for it, and one that contains itself is empty inside itself.
func (d *document) value(n *yaml.Node) *value {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if v, ok := d.seen[n]; ok {
		if v == nil {
			return &value{at: d.place(n)}
		}
		return v
	}
	d.seen[n] = nil
	v := &value{at: d.place(n), doc: d, node: n}
	switch n.Kind {
	case yaml.ScalarNode:
		d.scalar(v, n)
	case yaml.SequenceNode:
		v.kind = list
		for _, item := range n.Content {
			v.items = append(v.items, d.value(item))
		}
	case yaml.MappingNode:
		v.kind = mapping
		d.mapping(v, n)
	}
	if n.Tag == "!reset" || n.Tag == "!override" {
		v.tag = n.Tag
	}
	d.seen[n] = v
	return v
}

func (d *document) scalar(v *value, n *yaml.Node) {
	if n.Tag == "!!null" {
		return
	}
	v.kind, v.text = scalar, n.Value
	if d.substitute != nil {
		v.text = d.substitute(n.Value)
	}
}

// mapping fills v with the keys that it has itself, and then with those that
// it merges and does not have.
func (d *document) mapping(v *value, n *yaml.Node) {
	have := make(map[string]bool, len(n.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Value == "<<" && k.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 {
			merged = append(merged, n.Content[i+1])
			continue
		}
		have[k.Value] = true
		v.entries = append(v.entries, entry{key: k.Value, at: d.place(k), node: k, in: v, value: d.value(n.Content[i+1])})
	}
	for _, m := range merged {
		base := d.value(m)
		bases := []*value{base}
		if base.kind == list {
			bases = base.items
		}
		for _, b := range bases {
			for _, e := range b.entries {
				if !have[e.key] {
					have[e.key] = true
					v.entries = append(v.entries, e)
				}
			}
		}
	}
}

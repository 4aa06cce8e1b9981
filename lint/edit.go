package lint

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// editor collects changes of files' bytes, so that comments, anchors and order
// stay as they are. It refuses what it cannot do exactly.
type editor struct {
	edits  map[string][]edit // by file
	data   map[string][]byte
	failed bool
	// added are variables for services that have no environment yet.
	added []addition
}

type edit struct {
	from, to int
	text     string
}

type addition struct {
	service *value
	lines   []string
}

func newEditor() *editor {
	return &editor{edits: map[string][]edit{}, data: map[string][]byte{}}
}

func (e *editor) replace(d *document, from, to int, text string) {
	if d == nil {
		e.failed = true
		return
	}
	e.data[d.file] = d.data
	one := edit{from, to, text}
	if !slices.Contains(e.edits[d.file], one) {
		e.edits[d.file] = append(e.edits[d.file], one)
	}
}

// setScalar gives a scalar another text, in the quotes it has.
func (e *editor) setScalar(v *value, text string) {
	if v == nil || v.doc == nil {
		e.failed = true
		return
	}
	from, to, ok := v.doc.span(v.node)
	if !ok {
		e.failed = true
		return
	}
	e.replace(v.doc, from, to, quoteLike(v.node.Style, text))
}

// quoteLike writes a scalar, quoted as another was and otherwise if it must be.
func quoteLike(style yaml.Style, text string) string {
	n := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Style: style & (yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle)}
	out, err := yaml.Marshal(&n)
	if err != nil {
		return text
	}
	return strings.TrimSuffix(string(out), "\n")
}

// insertKey adds lines, the first of them a key, to a mapping in block style.
// The lines are indented from the mapping on.
func (e *editor) insertKey(m *value, lines ...string) {
	if m == nil || m.doc == nil || m.kind != mapping || m.node.Style&yaml.FlowStyle != 0 || len(m.node.Content) == 0 {
		e.failed = true
		return
	}
	first := m.node.Content[0]
	at, ok := m.doc.afterSimpleEntry(m.node)
	if !ok {
		at, ok = m.doc.lineStart(first.Line), m.doc.firstOnLine(first)
	}
	if !ok {
		e.failed = true
		return
	}
	e.insertLines(m.doc, at, first.Column-1, lines)
}

func (e *editor) insertLines(d *document, at, indent int, lines []string) {
	var b strings.Builder
	if at == len(d.data) && at > 0 && d.data[at-1] != '\n' {
		b.WriteString("\n")
	}
	end := "\n"
	if i := bytes.IndexByte(d.data, '\n'); i > 0 && d.data[i-1] == '\r' { // as the first line ends
		end = "\r\n"
	}
	for _, line := range lines {
		b.WriteString(strings.Repeat(" ", indent) + line + end)
	}
	e.replace(d, at, at, b.String())
}

// afterSimpleEntry gives the beginning of the line after the last entry of a
// mapping that is a line of its own.
func (d *document) afterSimpleEntry(n *yaml.Node) (int, bool) {
	for i := len(n.Content) - 2; i >= 0; i -= 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Line != v.Line || !d.firstOnLine(k) {
			continue
		}
		if _, _, simple := d.span(v); simple || v.Kind == yaml.AliasNode {
			return d.lineAfter(k.Line), true
		}
	}
	return 0, false
}

// insertItem adds an item to a list in block style.
func (e *editor) insertItem(l *value, text string) {
	if l == nil || l.doc == nil || l.kind != list || l.node.Style&yaml.FlowStyle != 0 || len(l.node.Content) == 0 {
		e.failed = true
		return
	}
	last := l.node.Content[len(l.node.Content)-1]
	dash, ok := l.doc.dash(last)
	if _, _, simple := l.doc.span(last); !ok || !simple {
		e.failed = true
		return
	}
	e.insertLines(l.doc, l.doc.lineAfter(last.Line), dash, []string{"- " + text})
}

// insertInFlow adds an item, or a key with its value, to what is in flow style, behind its last.
func (e *editor) insertInFlow(v *value, text string) {
	if v.doc == nil || len(v.node.Content) == 0 {
		e.failed = true
		return
	}
	_, to, ok := v.doc.span(v.node.Content[len(v.node.Content)-1])
	if !ok {
		e.failed = true
		return
	}
	e.replace(v.doc, to, to, ", "+text)
}

// isFlow tells whether a list or mapping is written in flow style.
func (v *value) isFlow() bool { return v.node != nil && v.node.Style&yaml.FlowStyle != 0 }

// dash gives the column of the dash before an item that begins on its line.
func (d *document) dash(item *yaml.Node) (int, bool) {
	line := d.line(item.Line)
	before := line[:byteOf(line, item.Column)]
	i := strings.IndexByte(before, '-')
	return i, i >= 0 && strings.Trim(before, " -") == "" && strings.Count(before, "-") == 1
}

// deleteKey removes an entry with its value. The last of a mapping stays: an
// empty mapping means something else than none.
func (e *editor) deleteKey(en entry) {
	if en.in == nil || en.in.doc == nil || en.in.node.Style&yaml.FlowStyle != 0 || !en.in.doc.firstOnLine(en.node) || len(en.in.node.Content) <= 2 {
		e.failed = true
		return
	}
	d := en.in.doc
	e.replace(d, d.lineStart(en.node.Line), d.blockEnd(en.node.Line, en.node.Column-1, true), "")
}

// deleteItem removes an item of a list in block style. The key of a list that
// would be empty goes with it.
func (e *editor) deleteItem(parent entry, l, item *value) {
	if l == nil || l.doc == nil || l.node.Style&yaml.FlowStyle != 0 {
		e.failed = true
		return
	}
	if len(l.node.Content) == 1 {
		e.deleteKey(parent)
		return
	}
	dash, ok := l.doc.dash(item.node)
	if !ok {
		e.failed = true
		return
	}
	e.replace(l.doc, l.doc.lineStart(item.node.Line), l.doc.blockEnd(item.node.Line, dash, false), "")
}

// blockEnd gives where what begins on a line ends: before the next line that is
// not indented more, or is no item of a list that is the value of a key.
func (d *document) blockEnd(line, indent int, key bool) int {
	end := line
	for n := line + 1; n <= len(d.lines()); n++ {
		text := d.line(n)
		trimmed := strings.TrimLeft(text, " ")
		depth := len(text) - len(trimmed)
		switch {
		case trimmed == "":
			continue
		case depth > indent, key && depth == indent && (trimmed == "-" || strings.HasPrefix(trimmed, "- ")):
			end = n
			continue
		}
		break
	}
	return d.lineAfter(end)
}

// deleteLine removes a line of a file that is no YAML.
func (e *editor) deleteLine(d *document, n int) {
	if d == nil || n < 1 {
		e.failed = true
		return
	}
	e.replace(d, d.lineStart(n), d.lineAfter(n), "")
}

// results gives the files as they are after all edits. Of two that touch the
// same bytes the later is left out; a further round makes it.
func (e *editor) results() map[string][]byte {
	e.flush()
	out := map[string][]byte{}
	for file, edits := range e.edits {
		slices.SortStableFunc(edits, func(a, b edit) int { return a.from - b.from })
		var b bytes.Buffer
		data, at := e.data[file], 0
		for _, one := range edits {
			if one.from < at {
				continue
			}
			b.Write(data[at:one.from])
			b.WriteString(one.text)
			at = one.to
		}
		b.Write(data[at:])
		out[file] = b.Bytes()
	}
	return out
}

// flush writes an environment for services that have none.
func (e *editor) flush() {
	for _, a := range e.added {
		e.insertKey(a.service, append([]string{"environment:"}, a.lines...)...)
	}
	e.added = nil
}

func (e *editor) addVariable(service *value, line string) {
	for i := range e.added {
		if e.added[i].service == service {
			e.added[i].lines = append(e.added[i].lines, line)
			return
		}
	}
	e.added = append(e.added, addition{service, []string{line}})
}

// settingsHost is where settings can be added.
type settingsHost struct {
	environment *value    // of a service, in all its layers
	own         *value    // of the service itself
	keys        *value    // of etcd's configuration file
	file        *document // an environment file
}

// add writes a setting where the member's others are.
func (h settingsHost) add(e *editor, env, key, text string) {
	switch {
	case h.keys != nil:
		e.insertKey(h.keys, key+": "+quoteLike(0, text))
		return
	case h.file != nil:
		e.insertLines(h.file, len(h.file.data), 0, []string{env + "=" + text})
		return
	}
	parts := h.environment.parts()
	if len(parts) == 0 {
		if h.own == nil || h.own.kind != mapping {
			e.failed = true
			return
		}
		e.addVariable(h.own, "  "+env+": "+quoteLike(yaml.DoubleQuotedStyle, text))
		return
	}
	switch last := parts[len(parts)-1]; {
	case last.kind == list && last.isFlow():
		e.insertInFlow(last, flowWord(0, env+"="+text))
	case last.kind == mapping && last.isFlow():
		e.insertInFlow(last, env+": "+quoteLike(yaml.DoubleQuotedStyle, text))
	case last.kind == list:
		e.insertItem(last, env+"="+text)
	case last.kind == mapping:
		e.insertKey(last, env+": "+quoteLike(yaml.DoubleQuotedStyle, text))
	default:
		e.failed = true
	}
}

package lint

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// This file finds its way in the bytes of a file that was read as YAML.

// lines gives where each line begins.
func (d *document) lines() []int {
	if d.starts == nil {
		d.starts = []int{0}
		for i, b := range d.data {
			if b == '\n' {
				d.starts = append(d.starts, i+1)
			}
		}
	}
	return d.starts
}

// line gives a line by its number without its end; beyond the last, nothing.
func (d *document) line(n int) string {
	starts := d.lines()
	if n < 1 || n > len(starts) {
		return ""
	}
	end := len(d.data)
	if n < len(starts) {
		end = starts[n] - 1
	}
	return strings.TrimSuffix(string(d.data[starts[n-1]:end]), "\r")
}

// maxSpan is how many lines of a scalar are searched.
const maxSpan = 60

// search gives the place of some text in the lines from a place on; the place
// itself if it is not there.
func (d *document) search(from Place, text string) Place {
	for n := from.Line; n < from.Line+maxSpan; n++ {
		line, before := d.line(n), 0
		if n == from.Line {
			before = byteOf(line, from.Column)
		}
		if i := strings.Index(line[before:], text); i >= 0 {
			return Place{d.file, n, utf8.RuneCountInString(line[:before+i]) + 1}
		}
	}
	return from
}

// byteOf turns a column into an index.
func byteOf(line string, column int) int {
	for i := range line {
		if column <= 1 {
			return i
		}
		column--
	}
	return len(line)
}

// lineStart and lineAfter give where a line and the one after it begin.
func (d *document) lineStart(n int) int {
	if starts := d.lines(); n >= 1 && n <= len(starts) {
		return starts[n-1]
	}
	return len(d.data)
}

func (d *document) lineAfter(n int) int { return d.lineStart(n + 1) }

// firstOnLine tells whether nothing but blanks stands before a node.
func (d *document) firstOnLine(n *yaml.Node) bool {
	line := d.line(n.Line)
	return strings.TrimLeft(line[:byteOf(line, n.Column)], " ") == ""
}

// span gives the bytes of a scalar that begins and ends on one line, with its
// quotes. One with an anchor or a tag, or of several lines, has none.
func (d *document) span(n *yaml.Node) (from, to int, ok bool) {
	if n.Kind == yaml.AliasNode {
		return 0, 0, false
	}
	line := d.line(n.Line)
	i := byteOf(line, n.Column)
	rest := line[i:]
	from = d.lineStart(n.Line) + i
	switch {
	case n.Kind != yaml.ScalarNode || rest == "":
		return 0, 0, false
	case rest[0] == '"':
		to = quotedEnd(rest, '"')
	case rest[0] == '\'':
		to = quotedEnd(rest, '\'')
	case n.Style != 0 || !strings.HasPrefix(rest, n.Value) || n.Value == "":
		return 0, 0, false
	default:
		to = len(n.Value)
		if after := strings.TrimLeft(rest[to:], " \t"); after != "" && !strings.ContainsRune("#,]}:", rune(after[0])) {
			return 0, 0, false
		}
	}
	return from, from + to, to > 0
}

// quotedEnd gives the length of a quoted text at the beginning of a line, 0 if
// it does not end there.
func quotedEnd(s string, quote byte) int {
	for i := 1; i < len(s); i++ {
		switch {
		case quote == '"' && s[i] == '\\':
			i++
		case s[i] != quote:
		case quote == '\'' && i+1 < len(s) && s[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return 0
}

package logs

import (
	"regexp"
	"strconv"
)

// Names are the members' names by the IDs that etcd writes instead. It learns
// them from what members say of themselves; the zero value knows none.
type Names struct{ byID map[string]string }

// own is the field in which a member names itself.
const own = "local-member-id"

// Learn takes from an entry who said it.
func (n *Names) Learn(e Entry) {
	id := e.Field(own)
	if id == "" || e.Server == "" {
		return
	}
	if n.byID == nil {
		n.byID = map[string]string{}
	}
	n.byID[id] = e.Server
}

// An ID is 64 bits in hexadecimal digits without leading zeros. Shorter ones are
// as good as never drawn, and would be taken for numbers.
var id = regexp.MustCompile(`\b[0-9a-f]{12,16}\b`)

// Put puts names where there are IDs.
func (n *Names) Put(text string) string {
	if len(n.byID) == 0 {
		return text
	}
	return id.ReplaceAllStringFunc(text, func(found string) string {
		if name, ok := n.byID[found]; ok {
			return name
		}
		return found
	})
}

// Telling gives the fields of an entry that tell a reader something, with names
// for IDs: not where in etcd's source it was said, nor by whom, which stands
// before the line; the error first. What is more than limit is counted by rest.
func (n *Names) Telling(e Entry, limit int) (fields []Field, rest int) {
	for _, f := range e.Fields {
		f.Value = n.Put(f.Value)
		switch {
		case silent[f.Name], f.Name == own, f.Value == "", f.Value == "null":
		case f.Name == "error":
			fields = append([]Field{f}, fields...)
		default:
			fields = append(fields, f)
		}
	}
	if len(fields) <= limit {
		return fields, 0
	}
	return fields[:limit], len(fields) - limit
}

// silent are the fields that are for etcd's own developers.
var silent = map[string]bool{"caller": true, "logger": true, "stacktrace": true, "errorVerbose": true}

// Quoted is a field's value, in quotes where a reader could not tell its end.
func (f Field) Quoted() string {
	for _, r := range f.Value {
		if r <= ' ' || r == '"' || r == '=' {
			return strconv.Quote(f.Value)
		}
	}
	return f.Value
}

package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Entry is what a server said once.
type Entry struct {
	Server  string
	Time    time.Time // when it was said; zero when nothing tells
	Level   Level
	Message string
	// Fields are what it is about, in the order that the server wrote them.
	Fields []Field
	// Text is the line as it was written.
	Text string
}

// Field is one of the things that a line is about. A value that was no text is
// JSON.
type Field struct{ Name, Value string }

// Field gives the value of a field, empty when there is none.
func (e Entry) Field(name string) string {
	i := slices.IndexFunc(e.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return ""
	}
	return e.Fields[i].Value
}

// The form in which etcd writes times.
const timeLayout = "2006-01-02T15:04:05.999999Z0700"

// Read reads a line that a server wrote. at is when it did, as far as others know:
// the line's own time counts more.
func Read(server, line string, at time.Time) Entry {
	e := Entry{Server: server, Time: at, Text: line}
	line = strings.TrimSpace(line)
	switch {
	case strings.HasPrefix(line, "{") && e.readJSON(line), e.readConsole(line):
	default:
		e.Level, e.Message = plainLevel(line), strings.TrimRight(e.Text, " \t\r\n")
	}
	return e
}

// readJSON reads etcd's usual form.
func (e *Entry) readJSON(line string) bool {
	fields, err := members(line)
	if err != nil {
		return false
	}
	for _, f := range fields {
		switch f.Name {
		case "level":
			e.Level = ParseLevel(f.Value)
		case "ts":
			e.stamp(f.Value)
		case "msg":
			e.Message = strings.TrimSpace(f.Value)
		default:
			e.Fields = append(e.Fields, f)
		}
	}
	return true
}

// readConsole reads the form of log-format: console: time, level, logger if any,
// caller and message between tabs, and JSON at the end if there are fields.
func (e *Entry) readConsole(line string) bool {
	columns := strings.Split(line, "\t")
	if len(columns) < 4 {
		return false
	}
	if _, err := time.Parse(timeLayout, columns[0]); err != nil {
		return false
	}
	e.stamp(columns[0])
	e.Level = ParseLevel(columns[1])
	rest := columns[2:]
	if last := rest[len(rest)-1]; strings.HasPrefix(last, "{") {
		if fields, err := members(last); err == nil {
			e.Fields, rest = fields, rest[:len(rest)-1]
		}
	}
	e.Message = rest[len(rest)-1]
	return true
}

func (e *Entry) stamp(text string) {
	if at, err := time.Parse(timeLayout, text); err == nil {
		e.Time = at
	}
}

// members are those of a JSON object, in their order.
func members(object string) ([]Field, error) {
	d := json.NewDecoder(strings.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("no JSON object: %q", object)
	}
	var fields []Field
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		fields = append(fields, Field{fmt.Sprint(name), text(value)})
	}
	_, err := d.Token()
	return fields, err
}

// text is a JSON value as people write it.
func text(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil && !bytes.Equal(value, []byte("null")) {
		return s
	}
	var list []string
	if json.Unmarshal(value, &list) == nil && list != nil {
		return strings.Join(list, ",")
	}
	return string(value)
}

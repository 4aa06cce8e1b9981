package doctor

import (
	"encoding/json"
	"strings"
)

// entry is a line of a log.
type entry struct {
	level string
	text  string // the message, and what it is about
}

// readEntry reads a line of etcd's log. A line of another kind, such as that
// of a panic or of a flag that is wrong, is its own text.
func readEntry(line string) entry {
	var fields struct {
		Level, Msg, Error string
		Variable          string `json:"environment-variable"`
		ClusterVersion    string `json:"determined-cluster-version"`
	}
	line = strings.TrimSpace(line)
	if json.Unmarshal([]byte(line), &fields) != nil || fields.Msg == "" {
		return entry{text: line}
	}
	e := entry{level: fields.Level, text: fields.Msg}
	for _, more := range []string{fields.Error, fields.Variable, fields.ClusterVersion} {
		if more != "" && more != e.text {
			e.text += ": " + more
		}
	}
	return e
}

// bad reports whether the line tells of an error.
func (e entry) bad() bool { return e.level == "error" || e.fatal() }

// fatal reports whether the line is of an error that ended etcd.
func (e entry) fatal() bool {
	switch e.level {
	case "fatal", "panic", "dpanic":
		return true
	}
	return e.level == "" && strings.HasPrefix(e.text, "panic:")
}

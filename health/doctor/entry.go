package doctor

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// entry is a line of a log.
type entry struct {
	time      time.Time // when it was written; zero if it does not say
	level     string
	text      string  // the message, and what it is about
	clusterID string  // the cluster that the member itself is in; empty if it does not say
	user      *string // whom it is about; nil if it does not say
}

// logTime is how etcd writes the time of a line.
const logTime = "2006-01-02T15:04:05.999999Z0700"

// spaced has one kind of space: errors of protobuf's have one or the other in each
// build, as itself or as JSON writes it, so that nobody goes by their text.
var spaced = strings.NewReplacer("\u00a0", " ", `\u00a0`, " ")

// readEntry reads a line of etcd's log. A line of another kind, such as that
// of a panic or of a flag that is wrong, is its own text.
func readEntry(line string) entry {
	var fields struct {
		TS, Level, Msg, Error string

		Variable       string  `json:"environment-variable"`
		ClusterVersion string  `json:"determined-cluster-version"`
		ClusterID      string  `json:"cluster-id"`
		UserName       *string `json:"user-name"`
		Index          any     `json:"index"` // which is a number where it is read here
	}
	line = spaced.Replace(strings.TrimSpace(line))
	if json.Unmarshal([]byte(line), &fields) != nil || fields.Msg == "" {
		return entry{text: line}
	}
	e := entry{level: fields.Level, text: fields.Msg, user: fields.UserName}
	e.time, _ = time.Parse(logTime, fields.TS) // else it is as old as can be
	if _, err := strconv.ParseUint(fields.ClusterID, 16, 64); err == nil {
		e.clusterID = fields.ClusterID
	}
	for _, more := range []string{fields.Error, fields.Variable, fields.ClusterVersion} {
		if more != "" && more != e.text {
			e.text += ": " + more
		}
	}
	if fields.Msg == "restore consistentIndex" {
		e.text += fmt.Sprintf(": %v", fields.Index)
	}
	return e
}

// bad reports whether the line tells of an error.
func (e entry) bad() bool { return e.level == "error" && !e.harmless() || e.fatal() }

// harmless reports whether the line is of an error that every new member has.
func (e entry) harmless() bool {
	return strings.HasPrefix(e.text, "failed to update storage version: cannot detect storage schema version")
}

// fatal reports whether the line is of an error that ended etcd.
func (e entry) fatal() bool {
	switch e.level {
	case "fatal", "panic", "dpanic":
		return true
	}
	return e.level == "" && strings.HasPrefix(e.text, "panic:")
}

// ofStranger reports whether the line is about somebody who knocked and was
// turned away. That is nobody's fault here: whoever it was may have come from
// anywhere, and `etcdctr verify` does it on purpose.
func (e entry) ofStranger() bool { return strings.HasPrefix(e.text, "rejected connection") }

// pause reports whether the line says that etcd waited for its disk.
func (e entry) pause() bool {
	for _, start := range []string{
		"slow fdatasync", "apply request took too long", "leader failed to send out heartbeat on time",
	} {
		if strings.HasPrefix(e.text, start) {
			return true
		}
	}
	return false
}

// CurrentStart is the part of a log that the current start of a member has
// written: what an earlier one suffered from may be put right by now. A member
// that goes on failing may have been started again a moment ago, and not have
// come to its failure yet: the start before counts too then.
func CurrentStart(lines []string, failing bool) []string {
	const starts = `"msg":"Running: "`
	wanted := 1
	if failing {
		wanted++
	}
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.Contains(lines[i], starts) {
			if wanted--; wanted == 0 {
				return lines[i:]
			}
		}
	}
	return lines
}

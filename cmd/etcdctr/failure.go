package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/etcdctr/etcdctr/stack"
)

// mostWords is how many of a failed member's lines are shown.
const mostWords = 5

// explainFailure gives a container that failed its own last words.
func explainFailure(err error) error {
	u := (*stack.UnwellError)(nil)
	if !errors.As(err, &u) {
		return err
	}
	var lines []string
	for _, w := range lastWords(u.Log) {
		lines = append(lines, fmt.Sprintf("%s says: %s", u.Service, w))
	}
	if len(lines) > 0 {
		err = fmt.Errorf("%w\n%s", err, strings.Join(lines, "\n"))
	}
	return withHint(err, "`etcdctr logs %s` shows its whole log, if --keep has kept it", u.Service)
}

// lastWords are the last lines of a log that tell of an error; of one without
// any, the last lines.
func lastWords(log []string) []string {
	var bad, all []string
	for _, line := range log {
		text, level := readLogLine(line)
		all = append(all, text)
		if level == "error" || level == "fatal" || level == "panic" || level == "dpanic" {
			bad = append(bad, text)
		}
	}
	if len(bad) > 0 {
		all = bad
	}
	return all[max(0, len(all)-mostWords):]
}

// readLogLine takes the message, the cause and the level out of a line of
// etcd's log. Any other line is its own message.
func readLogLine(line string) (text, level string) {
	var entry struct{ Level, Msg, Error string }
	if json.Unmarshal([]byte(line), &entry) != nil || entry.Msg == "" {
		return line, ""
	}
	if entry.Error != "" {
		return entry.Msg + ": " + entry.Error, entry.Level
	}
	return entry.Msg, entry.Level
}

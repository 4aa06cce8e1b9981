package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// lastWords are the last lines of a log that tell of something wrong; of one
// without any, the last lines.
func lastWords(log []string) []string {
	var bad, all []string
	for _, line := range log {
		text, wrong := readLogLine(line)
		all = append(all, text)
		if wrong {
			bad = append(bad, text)
		}
	}
	if len(bad) > 0 {
		all = bad
	}
	all = slices.Compact(all)
	return all[max(0, len(all)-mostWords):]
}

// readLogLine takes the message and the cause out of a line of etcd's log, and
// reports whether it tells of something wrong. Any other line is its own
// message.
func readLogLine(line string) (text string, wrong bool) {
	var entry struct{ Level, Msg, Error string }
	if json.Unmarshal([]byte(line), &entry) != nil || entry.Msg == "" {
		return line, false
	}
	if entry.Error != "" {
		return entry.Msg + ": " + entry.Error, true
	}
	return entry.Msg, slices.Contains([]string{"error", "dpanic", "panic", "fatal"}, entry.Level)
}

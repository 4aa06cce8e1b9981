package logs

import (
	"slices"
	"time"
)

// LastWords are the messages of the last lines that tell of something wrong, each
// with its cause; of lines without any, the last. The same again and again is said
// once, and no more than most are given.
func LastWords(lines []string, most int) []string {
	var wrong, all []string
	for _, line := range lines {
		e := Read("", line, time.Time{})
		text, cause := e.Message, e.Field("error")
		if cause != "" {
			text += ": " + cause
		}
		all = append(all, text)
		if cause != "" || e.Level >= Error {
			wrong = append(wrong, text)
		}
	}
	if len(wrong) > 0 {
		all = wrong
	}
	all = slices.Compact(all)
	return all[max(0, len(all)-most):]
}

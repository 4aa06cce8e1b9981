package logs

import (
	"fmt"
	"strings"
)

// Level is how grave a line is.
type Level int

// The levels, the least grave first. Fatal is whatever ended the server.
const (
	Debug Level = iota
	Info
	Warn
	Error
	Fatal
)

// Levels are their names, in order.
var Levels = []string{"debug", "info", "warn", "error", "fatal"}

// String gives the level's name.
func (l Level) String() string {
	if l < 0 || int(l) >= len(Levels) {
		return fmt.Sprintf("level %d", int(l))
	}
	return Levels[l]
}

// ParseLevel reads etcd's name of a level; what it does not know is Info.
// Source: zapcore.Level, whose panic and dpanic end etcd as fatal does.
func ParseLevel(name string) Level {
	switch strings.ToLower(name) {
	case "debug":
		return Debug
	case "warn":
		return Warn
	case "error":
		return Error
	case "fatal", "panic", "dpanic":
		return Fatal
	}
	return Info
}

// plainLevel is that of a line that names none: what Go writes as it dies, or
// anything else.
func plainLevel(line string) Level {
	for _, start := range []string{"panic:", "fatal error:", "goroutine ", "[signal "} {
		if strings.HasPrefix(line, start) {
			return Fatal
		}
	}
	return Info
}

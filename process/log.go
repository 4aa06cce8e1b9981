package process

import (
	"bytes"
	"encoding/json"
	"io"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"
)

// Line is a line of a log.
type Line struct {
	Member string
	Time   time.Time // when it was said; from a log as the line itself says, or the one before it
	Text   string    // without the line's end
}

// logTime is how etcd writes the time of a line.
const logTime = "2006-01-02T15:04:05.000000Z0700"

// SupervisorLog is the log of what happened to the members, under the name that
// it has instead of a member's.
const SupervisorLog = "etcdctr"

// Members' logs are kept as Docker keeps theirs with the settings of our Compose
// files: three files of ten megabytes.
const (
	logMegabytes = 10
	logBackups   = 2
)

// longestLine is where a line is cut in two, in bytes.
const longestLine = 1 << 20

func (h Home) logPath(member string) string { return h.path(logFolder + "/" + member + ".log") }

// logWriter writes what a member says into its log, and hands on each line.
type logWriter struct {
	member string
	file   io.Writer
	emit   func(Line)
	rest   []byte // of a line that has no end yet
}

func newLogWriter(h Home, member string, emit func(Line)) *logWriter {
	return &logWriter{member: member, emit: emit, file: h.logFile(member)}
}

func (h Home) logFile(member string) io.Writer {
	return &lumberjack.Logger{Filename: h.logPath(member), MaxSize: logMegabytes, MaxBackups: logBackups}
}

// logEvent writes down what happened, in the form of etcd's own log.
func logEvent(w io.Writer, e Event) {
	_ = json.NewEncoder(w).Encode(struct { // to the disk, which may be full
		Level  string `json:"level"`
		TS     string `json:"ts"`
		Member string `json:"member,omitempty"`
		Msg    string `json:"msg"`
	}{e.level(), e.Time.UTC().Format(logTime), e.Member, e.String()})
}

func (w *logWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	end := bytes.LastIndexByte(w.rest, '\n') + 1
	if len(w.rest) > longestLine {
		end = len(w.rest)
	}
	if end == 0 {
		return len(p), nil
	}
	whole := w.rest[:end]
	// A full disk must not stop the member: what it says still goes to the
	// screen, if there is one.
	_, _ = w.file.Write(whole)
	for line := range bytes.Lines(whole) {
		w.emit(Line{Member: w.member, Time: time.Now(), Text: string(bytes.TrimRight(line, "\r\n"))})
	}
	w.rest = bytes.Clone(w.rest[end:])
	return len(p), nil
}

package process

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// LogOptions choose from the logs.
type LogOptions struct {
	Members []string  // whose; none for all, with what happened to them
	Since   time.Time // from when on; zero for everything
	Tail    int       // at most so many lines of each member; negative: all
	Follow  bool      // go on until the context ends
}

// Logs gives the lines of the logs in the order of their times, and with Follow
// those that are still to come as they come. It ends when ctx does, which is no
// error.
func (h Home) Logs(ctx context.Context, o LogOptions, emit func(Line)) error {
	members, err := h.logsOf(o.Members)
	if err != nil {
		return err
	}
	var all []Line
	var tails []*tail
	for _, m := range members {
		t, lines, err := h.readLog(m, o)
		if err != nil {
			return err
		}
		defer t.close()
		all, tails = append(all, lines...), append(tails, t)
	}
	slices.SortStableFunc(all, func(a, b Line) int { return a.Time.Compare(b.Time) })
	for _, l := range all {
		emit(l)
	}
	if o.Follow {
		follow(ctx, tails, emit)
	}
	return nil
}

// logsOf are the members that have a log, or may come to have one.
func (h Home) logsOf(wanted []string) ([]string, error) {
	stack, err := h.Stack()
	if err != nil || len(wanted) > 0 {
		return wanted, err
	}
	return append(stack.names(), SupervisorLog), nil
}

// readLog reads what a member has said so far, and leaves its tail where the
// log ends.
func (h Home) readLog(member string, o LogOptions) (*tail, []Line, error) {
	older, err := filepath.Glob(h.path(logFolder + "/" + member + "-*.log"))
	if err != nil {
		return nil, nil, err
	}
	slices.Sort(older) // their names carry their times
	var lines []Line
	collect := func(l Line) {
		if l.Time.Before(o.Since) {
			return
		}
		lines = append(lines, l)
	}
	t := &tail{member: member, path: h.logPath(member)}
	for _, path := range older {
		previous := &tail{member: member, path: path, now: t.now}
		err := previous.read(collect)
		previous.close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // rotated away under our eyes
			return nil, nil, err
		}
		t.now = previous.now
	}
	if err := t.read(collect); err != nil {
		return nil, nil, err
	}
	if o.Tail >= 0 {
		lines = lines[max(0, len(lines)-o.Tail):]
	}
	return t, lines, nil
}

// look is how often a log that is followed is looked at.
const look = 100 * time.Millisecond

func follow(ctx context.Context, tails []*tail, emit func(Line)) {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		var news []Line
		for _, t := range tails {
			_ = t.read(func(l Line) { news = append(news, l) }) // a log that cannot be read has no news
		}
		slices.SortStableFunc(news, func(a, b Line) int { return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.Member, b.Member)) })
		for _, l := range news {
			emit(l)
		}
	}
}

// tail reads a log that grows, and that is moved away from time to time when
// another one takes its place.
type tail struct {
	member string
	path   string
	file   *os.File
	rest   []byte    // of a line that has no end yet
	now    time.Time // as the last line said
}

// read gives what is new. A log that is not there yet has nothing.
func (t *tail) read(emit func(Line)) error {
	for {
		if t.file == nil {
			f, err := os.Open(t.path)
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			t.file = f
		}
		if err := t.drain(emit); err != nil || !t.moved() {
			return err
		}
		// What was written before the move was complete at the move.
		if err := t.drain(emit); err != nil {
			return err
		}
		t.close()
	}
}

func (t *tail) drain(emit func(Line)) error {
	r := bufio.NewReader(t.file)
	for {
		part, err := r.ReadBytes('\n')
		t.rest = append(t.rest, part...)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		text := bytes.TrimRight(t.rest, "\r\n")
		t.now = timeOf(text, t.now)
		emit(Line{Member: t.member, Time: t.now, Text: string(text)})
		t.rest = nil
	}
}

// moved tells whether another file has taken the log's place.
func (t *tail) moved() bool {
	mine, err := t.file.Stat()
	if err != nil {
		return false
	}
	current, err := os.Stat(t.path)
	return err == nil && !os.SameFile(mine, current)
}

func (t *tail) close() {
	if t.file != nil {
		_ = t.file.Close() // it was only read
		t.file = nil
	}
}

// timeOf reads the time from a line of etcd's log; otherwise for one that has
// none, such as a line of a stack trace.
func timeOf(line []byte, otherwise time.Time) time.Time {
	var entry struct {
		TS string `json:"ts"`
	}
	if json.Unmarshal(line, &entry) != nil {
		return otherwise
	}
	t, err := time.Parse(logTime, entry.TS)
	if err != nil {
		return otherwise
	}
	return t
}

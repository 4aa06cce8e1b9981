package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in a Spec, or one thing in it that may surprise.
type Problem struct {
	File    string // empty for a Spec made in Go or by flags
	Line    int    // 1 is the first; 0 when the file does not have the key
	Path    string // the key, such as members[1].name
	Message string // what is wrong and what to do
}

// String gives "file:line: path: message", as far as each is known.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems are all the mistakes of a Spec. It is the error that Load and
// Resolve return.
type Problems []Problem

// Error lists the problems, one a line, in the order of the file.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// asError is nil when there is no problem.
func (ps Problems) asError() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// inOrder sorts by place and drops repetitions: a mistake in what all members
// share is found once for each of them.
func inOrder(ps []Problem) []Problem {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Path, b.Path))
	})
	seen := map[Problem]bool{}
	return slices.DeleteFunc(ps, func(p Problem) bool {
		again := seen[p]
		seen[p] = true
		return again
	})
}

// source remembers where the keys of a Spec were written.
type source struct {
	file  string
	lines map[string]int  // by path
	flags map[string]bool // keys that a flag has overridden
	said  Spec            // what the file said before the first of them

	named    string   // the name that it gave, where a flag gave another
	withheld []string // the keys about that one, which count for it only: see Spec.Set

	problems   Problems // what could not be read
	repeated   Problems // keys that are given twice, of which the first was read
	unreadable bool     // nothing could
}

// follows tells that a problem with a value only comes of one that the value
// could not be read at all.
func (s *source) follows(p Problem) bool {
	return s != nil && slices.ContainsFunc(s.problems, func(cause Problem) bool {
		return p.Path == cause.Path || strings.HasPrefix(p.Path, cause.Path+".") || strings.HasPrefix(p.Path, cause.Path+"[")
	})
}

// unclear is what is wrong with the file itself.
func (s *source) unclear() Problems { return slices.Concat(s.problems, s.repeated) }

// problem makes a Problem at a path. A key that the file does not have is
// reported at the line of the nearest enclosing one that it has.
func (s *source) problem(path, format string, args ...any) Problem {
	p := Problem{Path: path, Message: fmt.Sprintf(format, args...)}
	if s == nil {
		return p
	}
	if key, _, _ := strings.Cut(path, "["); s.flags[key] {
		p.Path = "--" + path
		return p
	}
	p.File = s.file
	for at := path; at != ""; at = parent(at) {
		if line, ok := s.lines[at]; ok {
			p.Line = line
			break
		}
	}
	return p
}

func parent(path string) string {
	i := strings.LastIndexAny(path, ".[")
	return path[:max(i, 0)]
}

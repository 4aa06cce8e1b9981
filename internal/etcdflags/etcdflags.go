// Package etcdflags asks an etcd program for its flags: one that is only there
// as a binary, of whatever release. Nothing is started: every question ends
// with a flag that no etcd has, and what the program says first is the answer.
package etcdflags

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

// noFlag is what no release has. Parsing gets to it only when all before it is
// well.
const noFlag = "no-such-flag"

// Answer is what a program says of flags with values.
type Answer struct {
	Accepted bool   // every flag is known and can have its value
	Unknown  string // the first flag that is not known
	Ignored  bool   // one is known and without effect
}

// Ask gives program flags such as --max-txn-ops=1 and tells what it makes of
// them.
func Ask(ctx context.Context, program string, flags ...string) (Answer, error) {
	out, err := exec.CommandContext(ctx, program, append(flags, "--"+noFlag)...).CombinedOutput()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		return Answer{}, fmt.Errorf("%s %s: ended well, or was not started: %w", program, strings.Join(flags, " "), err)
	}
	// Both sentences are those of Go's own flag package and of etcd's IgnoredFlag.
	_, undefined, _ := strings.Cut(string(out), "flag provided but not defined: -")
	undefined, _, _ = strings.Cut(undefined, "\n")
	return Answer{
		Accepted: undefined == noFlag,
		Unknown:  strings.TrimSuffix(undefined, noFlag),
		Ignored:  strings.Contains(string(out), "is no longer supported - ignoring"),
	}, nil
}

// samples has, for each kind of value, one that no kind before it takes.
var samples = []struct{ kind, value string }{
	{"text", "?"},
	{"boolean", "true"},
	{"duration", "1s"},
	{"integer", "-1"},
	{"count", "1"},
	{"urls", "http://127.0.0.1:1"},
}

// Sample is a value that flags of a kind take; false when that depends on the
// flag.
func Sample(kind string) (value string, ok bool) {
	for _, s := range samples {
		if s.kind == kind {
			return s.value, true
		}
	}
	return "", false
}

// Kind finds out what values a flag takes: text (which may well be a list),
// boolean, duration, integer, count, urls, or one of words. It is empty for a
// flag that the program does not know.
func Kind(ctx context.Context, program, name string, words []string) (kind string, allowed []string, err error) {
	for _, s := range samples {
		a, err := Ask(ctx, program, "--"+name+"="+s.value)
		switch {
		case err != nil:
			return "", nil, err
		case a.Unknown != "":
			return "", nil, nil
		case a.Ignored:
			return "ignored", nil, nil
		case a.Accepted:
			return s.kind, nil, nil
		}
	}
	for _, word := range words {
		a, err := Ask(ctx, program, "--"+name+"="+word)
		if err != nil {
			return "", nil, err
		}
		if a.Accepted {
			allowed = append(allowed, word)
		}
	}
	return "choice", allowed, nil
}

var helpPattern = regexp.MustCompile(`^\s+--([a-z0-9-]+)(?: '(.*)')?`)

// Help reads the flags and their defaults that the program's --help tells. Some
// of it is typed by hand there, and wrong.
func Help(ctx context.Context, program string) (defaults map[string]string, err error) {
	out, err := exec.CommandContext(ctx, program, "--help").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s --help: %w", program, err)
	}
	defaults = map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(string(out))); lines.Scan(); {
		if m := helpPattern.FindStringSubmatch(lines.Text()); m != nil {
			defaults[m[1]] = m[2]
		}
	}
	return defaults, nil
}

package main

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"math"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/internal/etcdflags"
)

// ofProgram reads the settings of a release that is only there as a program:
// those that its help mentions, and of those that other releases know the ones
// that it knows too. The defaults are those of its help.
func ofProgram(ctx context.Context, program string, known map[string]setting) (release string, settings []setting, err error) {
	if release, err = versionOf(ctx, program); err != nil {
		return "", nil, err
	}
	help, err := etcdflags.Help(ctx, program)
	if err != nil {
		return "", nil, err
	}
	names := maps.Clone(help)
	for _, more := range []iter.Seq[string]{maps.Keys(known), slices.Values(hidden)} {
		for name := range more {
			names[name] = help[name]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		s, err := ask(ctx, program, name, known[name])
		if err != nil {
			return "", nil, err
		}
		if s.kind == "" {
			continue // the help has lines that are none, or it is another release's
		}
		if s.standing == "" {
			s.fallback = plain(s.kind, help[name])
		}
		settings = append(settings, s)
	}
	return release, settings, nil
}

// plain gives a default that is typed for people as a flag has it.
func plain(kind, help string) string {
	if d, err := time.ParseDuration(help); kind == "duration" && err == nil {
		return d.String()
	}
	switch {
	case strings.Contains(help, "${"): // decided at the start
		return ""
	case help == "math.MaxUint32":
		return strconv.Itoa(math.MaxUint32)
	}
	return help
}

// hidden are flags that no help mentions, of releases that can't be built.
var hidden = []string{"log-output"}

// ask finds out about one setting. What a program can't tell apart is what it
// is elsewhere: lists are text to whoever asks.
func ask(ctx context.Context, program, name string, elsewhere setting) (setting, error) {
	kind, allowed, err := etcdflags.Kind(ctx, program, name, elsewhere.allowed)
	s := setting{name: name, kind: kind, allowed: allowed}
	switch {
	case kind == "text" && elsewhere.kind == "list":
		s.kind = "list"
	case kind == ignoredStanding:
		s.kind, s.standing = "text", ignoredStanding
	}
	return s, err
}

func versionOf(ctx context.Context, program string) (string, error) {
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", program, err)
	}
	first, _, _ := strings.Cut(string(out), "\n")
	number, ok := strings.CutPrefix(first, "etcd Version: ")
	if !ok {
		return "", fmt.Errorf("%s is no etcd: asked for its version it says %q", program, first)
	}
	return "v" + number, nil
}

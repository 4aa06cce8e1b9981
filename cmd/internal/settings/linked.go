package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// printing is what is added to etcd's own package to make it print its flags.
//
//go:embed print.go.txt
var printing []byte

const serverModule = "go.etcd.io/etcd/server/v3"

// ofModule reads the settings of the etcd server that a module pins, such as
// tools/etcd-3.6. The server is built as it is but for one file more, because
// what etcd says of its flags (--help) is typed by hand and not always true.
func ofModule(ctx context.Context, module string) (release string, settings []setting, err error) {
	dir, release, err := pinned(ctx, module)
	if err != nil {
		return "", nil, err
	}
	work, err := os.MkdirTemp("", "etcdctr-settings-")
	if err != nil {
		return "", nil, err
	}
	defer os.RemoveAll(work)
	program, err := build(ctx, module, dir, work)
	if err != nil {
		return "", nil, err
	}
	out, err := exec.CommandContext(ctx, program).Output()
	if err != nil {
		return "", nil, fmt.Errorf("cannot read the flags of etcd %s: %w", release, err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "test.") {
			continue // of etcd's own tests
		}
		s, err := parsePrinted(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return "", nil, err
		}
		settings = append(settings, s)
	}
	return release, settings, nil
}

// pinned tells where the source of a module's etcd server is, and its release.
func pinned(ctx context.Context, module string) (dir, release string, err error) {
	if _, err := goTool(ctx, module, "mod", "download", serverModule); err != nil {
		return "", "", err
	}
	out, err := goTool(ctx, module, "list", "-m", "-f", "{{.Dir}}\t{{.Version}}", serverModule)
	dir, release, _ = strings.Cut(strings.TrimSpace(out), "\t")
	return dir, release, err
}

// build builds a copy of the server in work: what is in the module cache can't
// be replaced.
func build(ctx context.Context, module, dir, work string) (program string, err error) {
	server, modfile := filepath.Join(work, "server"), filepath.Join(work, "go.mod")
	if err := os.CopyFS(server, os.DirFS(dir)); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(server, "etcdmain", "printflags.go"), printing, 0o600); err != nil {
		return "", err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(work, name), data, 0o600); err != nil {
			return "", err
		}
	}
	if _, err := goTool(ctx, module, "mod", "edit", "-replace", serverModule+"="+server, modfile); err != nil {
		return "", err
	}
	program = filepath.Join(work, "etcd")
	_, err = goTool(ctx, module, "build", "-trimpath", "-mod=mod", "-modfile", modfile, "-o", program, serverModule)
	return program, err
}

func goTool(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var failure strings.Builder
	cmd.Stderr = &failure
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, failure.String())
	}
	return string(out), nil
}

const (
	warnedStanding  = "deprecated"
	ignoredStanding = "ignored"
)

// kinds are those of package cluster, by the type that etcd gives a flag.
var kinds = map[string]string{
	"*flag.boolValue":              "boolean",
	"*flag.durationValue":          "duration",
	"*flag.intValue":               "integer",
	"*flag.int64Value":             "integer",
	"*flag.uintValue":              "count",
	"*flag.uint64Value":            "count",
	"*flags.uint32Value":           "count",
	"*flag.stringValue":            "text",
	"*flags.StringsValue":          "list",
	"*flags.UniqueStringsValue":    "list",
	"*flags.UniqueURLs":            "urls",
	"*flags.SelectiveStringValue":  "choice",
	"*flags.SelectiveStringsValue": "choice",
	"*featuregate.featureGate":     "gates",
	"*flags.IgnoredFlag":           "text",
}

// parsePrinted reads a line that print.go.txt made etcd print.
func parsePrinted(line string) (setting, error) {
	columns := strings.Split(line, "\t")
	if len(columns) != 5 {
		return setting{}, fmt.Errorf("etcd printed %q, which has not 5 columns", line)
	}
	s := setting{name: columns[0], kind: kinds[columns[1]], fallback: columns[3]}
	if s.kind == "" {
		return setting{}, fmt.Errorf("the flag %s has the type %s, which is new: give it a kind of package cluster", s.name, columns[1])
	}
	if columns[2] != "" {
		s.allowed = strings.Split(columns[2], ",")
	}
	switch {
	case columns[1] == "*flags.IgnoredFlag":
		s.standing, s.fallback = ignoredStanding, ""
	case columns[4] == "true":
		s.standing = warnedStanding
	}
	return s, nil
}

package images

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// goCommand runs the go command in a folder, for a platform, with everything
// set that would otherwise let one machine compile other bytes than the next.
// How modules are fetched is left to the machine.
type goCommand struct {
	dir      string
	platform v1.Platform
	line     func(string) // told about each line of progress; may be nil
}

func (c goCommand) environment() []string {
	return append(os.Environ(),
		"GOOS="+c.platform.OS, "GOARCH="+c.platform.Architecture,
		"GOAMD64=v1", "GOARM64=v8.0", "GOPPC64=power8",
		"GOTMPDIR="+c.dir, // goes away with the folder, also when go is killed
		"CGO_ENABLED=0", "GO111MODULE=on", "GOWORK=off", "GOFLAGS=-mod=mod", "GOFIPS140=off", "GOEXPERIMENT=",
	)
}

// run gives what the command wrote to standard output, and an error that holds
// what it complained about.
func (c goCommand) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = c.dir, c.environment()
	// Interrupted, go removes its temporary files; killed, it does not.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var out strings.Builder
	cmd.Stdout = &out
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	complaints := c.read(stderr)
	if err := cmd.Wait(); err != nil {
		return "", goError(ctx, args[0], complaints, err)
	}
	return strings.TrimSpace(out.String()), nil
}

// read passes progress on and gives the last lines of everything else. Go
// tells both on standard error: a module it downloads as "go: downloading …",
// a package it compiles as its bare path.
func (c goCommand) read(r io.Reader) []string {
	const keep = 8
	var rest []string
	for sc := bufio.NewScanner(r); sc.Scan(); {
		line := strings.TrimPrefix(sc.Text(), "go: downloading ")
		if line != sc.Text() || !strings.Contains(line, " ") {
			if c.line != nil {
				c.line(line)
			}
			continue
		}
		if rest = append(rest, line); len(rest) > keep {
			rest = rest[1:]
		}
	}
	return rest
}

func goError(ctx context.Context, verb string, complaints []string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && len(complaints) > 0 {
		return fmt.Errorf("go %s: %s", verb, strings.Join(complaints, "; "))
	}
	return fmt.Errorf("go %s: %w", verb, err)
}

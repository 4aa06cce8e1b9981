//go:build unix

package pages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Runner runs pages.
type Runner struct {
	// Dir is the folder that a page is run in, an empty one.
	Dir string
	// Env are the variables that the commands find, PATH with the program first.
	Env []string
	// Log is told each command and what it printed; may be nil.
	Log func(format string, args ...any)
}

// patience is how long a command may take, and one that stays until what it is
// there for is seen.
const patience = 5 * time.Minute

// Run runs a page, block by block, and stops at the first that does not do what
// the page shows.
func (r *Runner) Run(ctx context.Context, p *Page) error {
	for _, b := range p.Blocks {
		if b.NotRun != "" || b.Go {
			continue
		}
		if b.Beyond() {
			return fmt.Errorf("%s:%d: it reaches beyond the folder of the page: say why it is not run", p.Name, b.Line)
		}
		if err := r.block(ctx, b); err != nil {
			return fmt.Errorf("%s:%d: %w", p.Name, b.Line, err)
		}
	}
	return nil
}

func (r *Runner) block(ctx context.Context, b Block) error {
	for _, command := range b.Before {
		if out, err := r.shell(ctx, command); err != nil {
			return fmt.Errorf("before: %s: %w\n%s", command, err, out)
		}
	}
	for i, w := range b.With {
		out, err := r.shell(ctx, w[1])
		if err != nil {
			return fmt.Errorf("with: %s: %w\n%s", w[1], err, out)
		}
		b.With[i][1] = strings.TrimSpace(out)
		b.Text = strings.ReplaceAll(b.Text, w[0], b.With[i][1])
	}
	if b.File != "" {
		path := filepath.Join(r.Dir, b.File)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, []byte(b.Text), 0o644)
	}
	if b.Stays != "" {
		return r.stays(ctx, b)
	}
	for _, c := range b.Calls() {
		out, err := r.shell(ctx, c.Command)
		switch {
		case err != nil && !b.Fails:
			return fmt.Errorf("%s: %w\n%s", c.Command, err, out)
		case err == nil && b.Fails:
			return fmt.Errorf("%s: does not fail\n%s", c.Command, out)
		case c.Shown && !b.prints(c.Prints, out):
			return fmt.Errorf("%s: prints\n%sand the page shows\n%s", c.Command, out, c.Prints)
		}
	}
	return nil
}

// prints is Prints, in the order in which the block has its lines or in any.
func (b Block) prints(shown, printed string) bool {
	if !b.Mixed {
		return Prints(shown, printed)
	}
	want, got := steady(shown), steady(printed)
	slices.Sort(want)
	slices.Sort(got)
	return matches(want, got)
}

// kept is the file of what a command leaves to those after it: folder and variables.
const kept = ".pages-state"

// shell runs commands as somebody in one shell would, and gives all they print.
func (r *Runner) shell(ctx context.Context, commands string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := r.command(ctx, commands)
	out, err := cmd.CombinedOutput()
	if r.Log != nil {
		r.Log("$ %s\n%s", strings.TrimSpace(commands), out)
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = fmt.Errorf("ended with %d", exit.ExitCode())
	}
	return string(out), err
}

func (r *Runner) command(ctx context.Context, commands string) *exec.Cmd {
	keep := filepath.Join(r.Dir, kept)
	script := "set -e\n[ ! -f '" + keep + "' ] || . '" + keep + "'\n" +
		"trap 'code=$?; { export -p; printf \"cd %q\\n\" \"$PWD\"; } > '\"'" + keep + "'\"'; exit $code' EXIT\n" + commands
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir, cmd.Env = r.Dir, r.Env
	cmd.WaitDelay = time.Second // what a command leaves in the background may hold its output
	return cmd
}

// stays runs what stays until Ctrl-C, and ends it once what it is there for is
// seen.
func (r *Runner) stays(ctx context.Context, b Block) error {
	var out strings.Builder
	cmd := r.command(ctx, "exec "+strings.TrimPrefix(b.Text, "$ "))
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	var err error
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		if _, err = r.shell(ctx, b.Stays); err == nil || time.Now().After(deadline) {
			break
		}
	}
	interrupted := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
	ended := cmd.Wait()
	if err := errors.Join(err, interrupted, ended); err != nil {
		return fmt.Errorf("%s: %w\n%s", b.Text, err, out.String())
	}
	return nil
}

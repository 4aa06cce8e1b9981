// Command lanes runs the tests of a package in several processes side by side, each
// handed the next test as soon as it has ended one: end-to-end tests spend most of their
// time waiting, for an election or for a container. What they say comes out as one run of
// `go test -json` says it.
//
//	go test -tags e2e -c -o e2e.test ./e2e
//	go run ./e2e/lanes -dir e2e -run TestAnUpgrade ./e2e.test
//
// It exits 0 whatever the tests say, for ./e2e/report judges them; it fails where they
// can't be run.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"
)

func main() {
	l := lanes{out: os.Stdout, pkg: "github.com/etcdctr/etcdctr/e2e"}
	flag.IntVar(&l.number, "n", 3, "how many tests run side by side")
	flag.StringVar(&l.dir, "dir", ".", "the package's folder, which its tests run in")
	run := flag.String("run", ".", "run the tests that this regular expression matches, as go test does")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := l.main(ctx, *run, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lanes:", err)
		os.Exit(1)
	}
}

// lanes run what is in one test binary.
type lanes struct {
	number    int
	dir       string
	pkg       string // its import path, which events carry
	binary    string
	flags     []string // for each of its processes
	test2json string   // the program

	mu  sync.Mutex
	out io.Writer
}

func (l *lanes) main(ctx context.Context, pattern string, args []string) (err error) {
	if len(args) == 0 || l.number < 1 {
		return errors.New("name a test binary, made by go test -c, and at least one lane")
	}
	if l.binary, err = filepath.Abs(args[0]); err != nil {
		return err
	}
	l.flags = args[1:]
	names, err := l.list(ctx, pattern)
	if err != nil {
		return err
	}
	bin, err := os.MkdirTemp("", "lanes-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(bin)
	if l.test2json, err = buildTest2JSON(ctx, bin); err != nil {
		return err
	}
	queue := make(chan string)
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error {
		defer close(queue)
		for _, name := range names {
			select {
			case queue <- name:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range l.number {
		all.Go(func() error {
			for name := range queue {
				if err := l.run(ctx, name, pattern); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
			return nil
		})
	}
	return all.Wait()
}

// list are the tests whose own name the part of the pattern before a slash matches.
func (l *lanes) list(ctx context.Context, pattern string) ([]string, error) {
	own, _, _ := strings.Cut(pattern, "/")
	cmd := exec.CommandContext(ctx, l.binary, "-test.list", own)
	cmd.Dir = l.dir
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cmd, err)
	}
	isTest := regexp.MustCompile(`^(Test|Example)`)
	names := slices.DeleteFunc(strings.Fields(string(out)), func(name string) bool { return !isTest.MatchString(name) })
	// Mixed, each time alike: those of one file often wait for the same.
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] }) //nolint:gosec // no secret
	return names, nil
}

// buildTest2JSON builds it as all else is built. `go tool`, which has it too, goes by no
// GOFLAGS, and compiles half of the standard library once more for it.
func buildTest2JSON(ctx context.Context, dir string) (string, error) {
	file := filepath.Join(dir, "test2json")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", file, "cmd/test2json")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return file, nil
}

// only is the pattern of one test, and of those of its subtests that are meant.
func only(name, pattern string) string {
	_, subtests, some := strings.Cut(pattern, "/")
	if !some {
		return "^" + name + "$"
	}
	return "^" + name + "$/" + subtests
}

// event is a line of `go test -json`, as far as it is looked at.
type event struct {
	Action, Package, Test, Output string
}

// run runs one test in a process of its own. What goes wrong around it, as what it has
// left, is told as a part of it: the package is that of the other lanes too.
func (l *lanes) run(ctx context.Context, name, pattern string) error {
	args := append([]string{"-t", "-p", l.pkg, l.binary, "-test.v=test2json", "-test.run", only(name, pattern)}, l.flags...)
	cmd := exec.CommandContext(ctx, l.test2json, args...)
	cmd.Dir = l.dir
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it cleans up
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return err
	}
	around, failed, err := l.pass(out)
	if err != nil {
		return err
	}
	_ = cmd.Wait() // that it was interrupted does not matter: it has come to its end
	if !cmd.ProcessState.Success() && !failed {
		const part = "/what is around it"
		return errors.Join(l.say(event{Action: "run", Test: name + part}),
			l.say(event{Action: "output", Test: name + part, Output: around}),
			l.say(event{Action: "fail", Test: name + part}))
	}
	return ctx.Err()
}

// pass passes on what is said of tests, and gives what is said around them.
func (l *lanes) pass(events io.Reader) (around string, failed bool, err error) {
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return around, failed, nil
		}
		if err != nil {
			return around, failed, err
		}
		var e event
		switch err := json.Unmarshal(line, &e); {
		case err != nil:
			return around, failed, fmt.Errorf("no event: %q: %w", bytes.TrimSpace(line), err)
		case e.Test == "":
			around += e.Output
		default:
			failed = failed || e.Action == "fail"
			if err := l.write(line); err != nil {
				return around, failed, err
			}
		}
	}
}

func (l *lanes) say(e event) error {
	e.Package = l.pkg
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return l.write(append(line, '\n'))
}

// write writes a whole line, as other lanes write too.
func (l *lanes) write(line []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.out.Write(line)
	return err
}

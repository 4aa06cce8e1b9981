package stack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// LogOptions choose what of the logs is wanted.
type LogOptions struct {
	Follow bool
	Since  string // a duration such as 10m, or a time in RFC 3339
	Tail   string // how many lines, or empty for all
	// Timestamps puts the time of each line before it, in RFC 3339, and a space.
	Timestamps bool
}

// Logs hands line the containers' log lines, without their ends. Lines of one
// container come in order; those of several at the same time, one by one.
func Logs(ctx context.Context, e Engine, containers []Container, o LogOptions, line func(Container, string)) error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	errs := make([]error, len(containers))
	for i, c := range containers {
		wg.Go(func() {
			errs[i] = logs(ctx, e, c, o, func(text string) {
				mu.Lock()
				defer mu.Unlock()
				line(c, text)
			})
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	return errors.Join(errs...)
}

func logs(ctx context.Context, e Engine, c Container, o LogOptions, line func(string)) error {
	r, err := e.ContainerLogs(ctx, c.ID, client.ContainerLogsOptions{
		ShowStdout: true, ShowStderr: true, Follow: o.Follow, Since: o.Since, Tail: o.Tail, Timestamps: o.Timestamps,
	})
	if err != nil {
		return fmt.Errorf("read the log of %s: %s", c.Name, engineText(err))
	}
	defer r.Close()
	if err := Lines(r, line); err != nil {
		return fmt.Errorf("read the log of %s: %w", c.Name, err)
	}
	return nil
}

// Lines hands line what an engine gives as a log, line by line, without their ends.
func Lines(r io.Reader, line func(string)) error {
	text, w := io.Pipe()
	go func() {
		_, err := stdcopy.StdCopy(w, w, r)
		w.CloseWithError(err)
	}()
	defer text.Close()
	lines := bufio.NewReader(text)
	for {
		s, err := lines.ReadString('\n')
		if s != "" {
			line(trimEnd(s))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func trimEnd(s string) string {
	if n := len(s); n > 0 && s[n-1] == '\n' {
		return s[:n-1]
	}
	return s
}

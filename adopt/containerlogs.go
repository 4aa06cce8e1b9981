package adopt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/runtime"
)

// Logs reads what the engine has kept of the containers.
func (c *Containers) Logs(ctx context.Context, members []Member, o runtime.LogOptions, line func(runtime.Line)) error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	errs := make([]error, len(members))
	for i, m := range members {
		wg.Go(func() {
			errs[i] = c.logs(ctx, m, o, func(l runtime.Line) {
				mu.Lock()
				defer mu.Unlock()
				line(l)
			})
		})
	}
	wg.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

func (c *Containers) logs(ctx context.Context, m Member, o runtime.LogOptions, line func(runtime.Line)) error {
	options := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Follow: o.Follow, Timestamps: true}
	if o.Tail >= 0 {
		options.Tail = fmt.Sprint(o.Tail)
	}
	if o.ThisStart && m.Since.After(o.Since) {
		o.Since = m.Since
	}
	if !o.Since.IsZero() {
		options.Since = o.Since.UTC().Format(time.RFC3339Nano)
	}
	r, err := c.Engine.ContainerLogs(ctx, m.id, options)
	if err != nil {
		return fmt.Errorf("read the log of %s: %w", m.Name, err)
	}
	defer r.Close()
	out, in := io.Pipe()
	defer out.Close()
	go func() {
		_, err := stdcopy.StdCopy(in, in, r)
		in.CloseWithError(err)
	}()
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		stamp, text, _ := strings.Cut(lines.Text(), " ")
		at, _ := time.Parse(time.RFC3339Nano, stamp) // the engine's own form
		line(runtime.Line{Server: m.Name, Time: at, Text: text})
	}
	return lines.Err()
}

const longestLine = 1 << 20

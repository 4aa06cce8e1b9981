package runtime

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
)

// Listen hears several servers at the same time, each by a function of its own, until
// all have ended. What they hear is handed to line one by one.
func Listen(ctx context.Context, line func(Line), servers ...func(context.Context, func(Line)) error) error {
	var mu sync.Mutex
	alone := func(x Line) {
		mu.Lock()
		defer mu.Unlock()
		line(x)
	}
	var all sync.WaitGroup
	errs := make([]error, len(servers))
	for i, hear := range servers {
		all.Go(func() { errs[i] = hear(ctx, alone) })
	}
	all.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	return errors.Join(errs...)
}

// Stamped reads a server's line that begins with an engine's time.
func Stamped(server, text string) Line {
	stamp, rest, _ := strings.Cut(text, " ")
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return Line{Server: server, Text: text}
	}
	return Line{Server: server, Text: rest, Time: at}
}

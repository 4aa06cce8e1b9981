package runtime

import (
	"cmp"
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
	err := Together(servers, func(hear func(context.Context, func(Line)) error) error { return hear(ctx, alone) })
	return cmp.Or(ctx.Err(), err)
}

// Together does something for each of a list at the same time, and gives all errors
// in the order of the list.
func Together[T any](list []T, do func(T) error) error {
	errs := make([]error, len(list))
	var all sync.WaitGroup
	for i, x := range list {
		all.Go(func() { errs[i] = do(x) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// StopAll stops all servers of a cluster, and comes to its end where nobody waits for that
// any more, with the error of ctx: what runs servers goes on with what it was asked for, and
// would stop again whoever is started meanwhile.
func StopAll(ctx context.Context, r Runtime, name string) error {
	return cmp.Or(r.Stop(context.WithoutCancel(ctx), name, 0), ctx.Err())
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

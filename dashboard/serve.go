package dashboard

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Show looks at a cluster and serves its page to those who know the key, until ctx ends,
// which is no error. Now is the clock.
func Show(ctx context.Context, l net.Listener, source Source, now func() time.Time, key string) error {
	sampler := NewSampler(source, now)
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	ctx, end := context.WithCancel(ctx)
	defer end()
	go sampler.Run(ctx, ticker.C)
	return Serve(ctx, l, NewHandler(sampler, key))
}

// Serve answers until ctx ends, which is no error: whoever looks at the page has it end.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	ended := context.AfterFunc(ctx, func() { _ = server.Close() }) // nobody waits for what it was about to say
	defer ended()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

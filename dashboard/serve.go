package dashboard

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

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

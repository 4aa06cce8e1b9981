package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strings"
	"time"
)

// errRefused is found in an error that another try will not mend.
var errRefused = errors.New("refused")

// download brings one file here, and goes on where an earlier one stopped.
type download struct {
	client   *http.Client
	url      string
	limit    int64         // bytes; more is refused
	pause    time.Duration // before another try
	stall    time.Duration // without a byte, after which a try has failed
	progress Progress
}

// errStalled is found in the error about a server that does not send any more.
var errStalled = errors.New("the server stopped sending")

// attempts is how often a download is tried without getting any further.
const attempts = 3

// to appends to the file part until the server has nothing more to send. What
// is in part when it fails is of use to the next call.
func (d download) to(ctx context.Context, part string) error {
	f, err := os.OpenFile(part, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	var before int64
	for try := 1; ; try++ {
		err := d.try(ctx, f)
		if err == nil {
			return f.Close()
		}
		after, _ := f.Seek(0, io.SeekEnd) // fails with the file itself, as the next write does
		if after > before {
			before, try = after, 1
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if try == attempts || !worthRetrying(err) {
			return fmt.Errorf("download %s: %w", d.url, err)
		}
		if err := sleep(ctx, time.Duration(try)*d.pause); err != nil {
			return err
		}
	}
}

func worthRetrying(err error) bool {
	var file *os.PathError // no space, no permission: the machine's fault, not the network's
	return !errors.Is(err, errRefused) && !errors.Is(err, ErrPlainHTTP) && !errors.As(err, &file)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// try makes one request for what f does not have yet. It ends when nothing has
// come for too long: a connection may be gone without either side being told.
func (d download) try(ctx context.Context, f *os.File) error {
	watched, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(d.stall, func() {
		cancel(fmt.Errorf("%w, nothing has come for %s: run it again later, it goes on where it stopped", errStalled, d.stall))
	})
	defer watch.Stop()
	err := d.request(watched, f, func() { watch.Reset(d.stall) })
	if cause := context.Cause(watched); errors.Is(cause, errStalled) {
		return cause
	}
	return err
}

// request makes one request, and tells alive of everything that comes.
func (d download) request(ctx context.Context, f *os.File, alive func()) error {
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	res, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusPartialContent:
		return d.copy(f, have, res, alive)
	case http.StatusOK: // the server does not do ranges, or there was nothing yet
		if err := f.Truncate(0); err != nil {
			return err
		}
		return d.copy(f, 0, res, alive)
	case http.StatusRequestedRangeNotSatisfiable: // f has everything already
		return nil
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return errors.New(res.Status)
	}
	return fmt.Errorf("%w: %s", errRefused, res.Status)
}

// copy writes a response's body to f from an offset on.
func (d download) copy(f *os.File, offset int64, res *http.Response, alive func()) error {
	if want := fmt.Sprintf("bytes %d-", offset); offset > 0 && !strings.HasPrefix(res.Header.Get("Content-Range"), want) {
		return fmt.Errorf("%w: the server sent another part than asked for (%s)", errRefused, res.Header.Get("Content-Range"))
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	event := Event{Item: path.Base(d.url), Action: "downloading", Current: offset}
	if res.ContentLength >= 0 {
		event.Total = offset + res.ContentLength
	}
	progress := func(e Event) {
		alive()
		d.progress.report(e)
	}
	body := io.LimitReader(&counter{r: res.Body, event: event, progress: progress}, d.limit-offset+1)
	n, err := io.Copy(f, body)
	if err != nil {
		return err
	}
	if offset+n > d.limit {
		return fmt.Errorf("%w: has more than %d MB", errRefused, d.limit>>20)
	}
	event.Current, event.Done = offset+n, true
	d.progress.report(event)
	return nil
}

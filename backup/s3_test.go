package backup_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"

	"github.com/etcdctr/etcdctr/backup"
)

// counter is a service that speaks as much of S3 as an upload in parts takes.
type counter struct {
	part func() // a part came

	mu   sync.Mutex
	open bool // an upload has begun, and has neither ended nor been given up
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	query := r.URL.Query()
	switch {
	case r.Method == http.MethodHead, r.Method == http.MethodGet && !query.Has("uploads"):
		http.NotFound(w, r)
	case r.Method == http.MethodPost && query.Has("uploads"):
		c.open = true
		fmt.Fprintf(w, `<InitiateMultipartUploadResult><Bucket>backups</Bucket><Key>%s</Key><UploadId>one</UploadId></InitiateMultipartUploadResult>`, r.URL.Path[len("/backups/"):])
	case r.Method == http.MethodPut:
		_, _ = io.Copy(io.Discard, r.Body) // it may be cut off
		c.part()
		w.Header().Set("ETag", `"x"`)
	case r.Method == http.MethodGet:
		fmt.Fprint(w, `<ListMultipartUploadsResult>`)
		if c.open {
			fmt.Fprintf(w, `<Upload><Key>%s</Key><UploadId>one</UploadId></Upload>`, query.Get("prefix"))
		}
		fmt.Fprint(w, `</ListMultipartUploadsResult>`)
	case r.Method == http.MethodDelete && query.Get("uploadId") == "one":
		c.open = false
		w.WriteHeader(http.StatusNoContent)
	default:
		http.Error(w, r.Method+" "+r.URL.String(), http.StatusNotImplemented)
	}
}

// What was uploaded of a backup that is interrupted is given up, and nothing of it stays
// on this machine.
func TestAnInterruptedUploadIsGivenUp(t *testing.T) {
	c := start(t, []string{"etcd1"})
	write(t, c.raw(t), 40, 1<<20) // more than goes up at once
	ctx, cancel := context.WithCancel(t.Context())
	service := &counter{part: cancel}
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	temporary := t.TempDir()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1", "TMPDIR": temporary,
	} {
		t.Setenv(name, value)
	}
	r := request()
	r.Stored = true
	_, _, err := backup.TakeInto(ctx, c.client, storeAt(t, "s3://backups/orders"), r)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	service.mu.Lock()
	defer service.mu.Unlock()
	if service.open {
		t.Error("what was uploaded stays in the bucket")
	}
	if left, err := filepath.Glob(filepath.Join(temporary, "*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

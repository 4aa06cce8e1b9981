package images

import (
	"io"
	"net/http"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// upload counts what goes to a registry. go-containerregistry's own progress
// panics where a registry answers before it has read all of a blob: the request
// is still being read then, by the HTTP client, and the channel closed.
type upload struct {
	next http.RoundTripper

	mu       sync.Mutex // blobs go in parallel
	event    Event
	progress Progress // nil once it is over
}

func (u *upload) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return u.next.RoundTrip(r)
	}
	counted := r.WithContext(r.Context())
	counted.Body = countedBody{r.Body, u}
	return u.next.RoundTrip(counted)
}

type countedBody struct {
	io.ReadCloser
	upload *upload
}

func (b countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.upload.add(n)
	return n, err
}

// add reports progress. What is sent besides blobs, and once more, counts too.
func (u *upload) add(n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.event.Current = min(u.event.Current+int64(n), u.event.Total)
	u.progress.report(u.event)
}

// end reports an upload that ended well, and nothing from then on.
func (u *upload) end(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err == nil {
		u.event.Current, u.event.Done = u.event.Total, true
		u.progress.report(u.event)
	}
	u.progress = nil
}

// blobsOf is the size of the blobs of an image or an index, in bytes.
func blobsOf(t any) (int64, error) {
	if index, ok := t.(v1.ImageIndex); ok {
		return blobsOfIndex(index)
	}
	m, err := t.(v1.Image).Manifest()
	if err != nil {
		return 0, err
	}
	sum := m.Config.Size
	for _, l := range m.Layers {
		sum += l.Size
	}
	return sum, nil
}

func blobsOfIndex(index v1.ImageIndex) (int64, error) {
	m, err := index.IndexManifest()
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, d := range m.Manifests {
		img, err := index.Image(d.Digest)
		if err != nil {
			return 0, err
		}
		size, err := blobsOf(img)
		if err != nil {
			return 0, err
		}
		sum += size
	}
	return sum, nil
}

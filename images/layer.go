package images

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// layer is the one layer of an image, packed anew each time it is read. It is
// a v1.Layer once compress was called.
type layer struct {
	entries []entry
	diffID  v1.Hash
	tarSize int64 // bytes

	gz     []byte // some 10 MB; nil until compressed
	digest v1.Hash
}

func newLayer(entries []entry) (*layer, error) {
	l := &layer{entries: entries}
	r, err := l.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	l.diffID, l.tarSize, err = v1.SHA256(r)
	return l, err
}

func (l *layer) compress(ctx context.Context) error {
	if l.gz != nil {
		return nil
	}
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	r, err := l.Uncompressed()
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.Copy(zw, contextReader{ctx, r}); err != nil {
		return err
	}
	if err := zw.Close(); err != nil {
		return err
	}
	if l.digest, _, err = v1.SHA256(bytes.NewReader(buf.Bytes())); err != nil {
		return err
	}
	l.gz = buf.Bytes()
	return nil
}

func (l *layer) DiffID() (v1.Hash, error)            { return l.diffID, nil }
func (l *layer) Digest() (v1.Hash, error)            { return l.digest, nil }
func (l *layer) Size() (int64, error)                { return int64(len(l.gz)), nil }
func (l *layer) MediaType() (types.MediaType, error) { return types.OCILayer, nil }

func (l *layer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l.gz)), nil
}

func (l *layer) Uncompressed() (io.ReadCloser, error) {
	r, w := io.Pipe()
	go func() { w.CloseWithError(writeTar(w, l.entries)) }()
	return r, nil
}

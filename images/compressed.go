package images

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// mostCompressed is how many times smaller gzip makes a file at most.
const mostCompressed = 1032

// decompressed reads an archive as `docker load` does, which takes what `docker save |
// gzip` makes. It gives the size that the archive is believed to have, at most.
func decompressed(r io.Reader, size int64) (plain io.ReadCloser, most int64, err error) {
	b := bufio.NewReader(r)
	head, err := b.Peek(6)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		return z, size * mostCompressed, err
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b)
		if err != nil {
			return nil, 0, err
		}
		return z.IOReadCloser(), size * mostCompressed, nil
	case bytes.HasPrefix(head, []byte("BZh")), bytes.HasPrefix(head, []byte("\xfd7zXZ")):
		return nil, 0, errors.New("is compressed by bzip2 or xz: unpack it first, or compress it by gzip or zstd")
	}
	return io.NopCloser(b), size, nil
}

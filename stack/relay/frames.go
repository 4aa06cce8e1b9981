package relay

import (
	"encoding/binary"
	"io"
)

// What yamux writes before a frame's bytes, see
// https://github.com/hashicorp/yamux/blob/master/spec.md: version, type, flags, stream and
// length.
const (
	headSize = 12
	typeAt   = 1
	lengthAt = 8
	dataType = 0
)

// frames has a frame written in one piece. yamux writes its head first and its bytes then,
// and past an engine each write goes its own way through three processes, which are woken
// for it. Only one goroutine may write, as yamux's does.
type frames struct {
	io.ReadWriteCloser
	frame []byte // its head, while its bytes are still to come
}

func (f *frames) Write(p []byte) (int, error) {
	if len(f.frame) == 0 {
		if bringsBytes(p) {
			f.frame = append(f.frame, p...)
			return len(p), nil
		}
		return f.ReadWriteCloser.Write(p)
	}
	before := len(f.frame)
	f.frame = append(f.frame, p...)
	n, err := f.ReadWriteCloser.Write(f.frame)
	f.frame = f.frame[:0]
	return max(0, n-before), err
}

// bringsBytes tells whether p is a head, and no more, of a frame that has bytes.
func bringsBytes(p []byte) bool {
	return len(p) == headSize && p[typeAt] == dataType && binary.BigEndian.Uint32(p[lengthAt:]) > 0
}

package backup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// frameBytes is how much of an archive is compressed by itself. Frames that do
// not depend on each other can be read in any order, and bound what it takes to
// read one.
const frameBytes = 1 << 20

// frames compresses what is written, one frame after the other, beside whoever
// writes. What was written can be read again at any place.
type frames struct {
	to      *counting
	zip     *zstd.Encoder // nil: what is written is stored as it is
	written int64         // uncompressed
	chunk   []byte
	ends    []int64 // of the frames, in the archive
	work    chan []byte
	spare   chan []byte
	idle    chan error // the worker's answer to an empty chunk
	failed  error      // the worker's own
}

func newFrames(to *counting, stored bool) (*frames, error) {
	var zip *zstd.Encoder
	if !stored {
		var err error
		zip, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(frameBytes), zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, err
		}
	}
	f := &frames{to: to, zip: zip, work: make(chan []byte), spare: make(chan []byte, 2), idle: make(chan error)}
	for range cap(f.spare) {
		f.spare <- make([]byte, 0, frameBytes)
	}
	f.chunk = <-f.spare
	go f.compress()
	return f, nil
}

func (f *frames) compress() {
	var frame []byte
	for chunk := range f.work {
		if len(chunk) == 0 {
			f.idle <- f.failed
			continue
		}
		if f.failed == nil {
			if f.zip != nil {
				frame = f.zip.EncodeAll(chunk, frame[:0])
			} else {
				frame = store(chunk, frame[:0])
			}
			_, f.failed = f.to.Write(frame)
			f.ends = append(f.ends, f.to.n)
		}
		f.spare <- chunk[:0]
	}
}

// A frame that stores what it holds: RFC 8878, 3.1.1. It tells how much that is, has
// no checksum, and its blocks are raw.
const (
	storedFrame = 0xA0 // one segment, with a size of four bytes
	mostBlock   = 128 << 10
	lastBlock   = 1
)

// store appends a chunk to a frame as it is.
func store(chunk, frame []byte) []byte {
	frame = append(binary.LittleEndian.AppendUint32(frame, zstdMagic), storedFrame)
	frame = binary.LittleEndian.AppendUint32(frame, uint32(len(chunk)))
	for len(chunk) > 0 {
		n := min(len(chunk), mostBlock)
		head := uint32(n) << 3
		if n == len(chunk) {
			head |= lastBlock
		}
		frame = append(frame, byte(head), byte(head>>8), byte(head>>16))
		frame, chunk = append(frame, chunk[:n]...), chunk[n:]
	}
	return frame
}

func (f *frames) Write(p []byte) (int, error) {
	all := len(p)
	for len(p) > 0 {
		n := min(len(p), frameBytes-len(f.chunk))
		f.chunk, p = append(f.chunk, p[:n]...), p[n:]
		if len(f.chunk) == frameBytes {
			f.work <- f.chunk
			f.chunk = <-f.spare
		}
	}
	f.written += int64(all)
	return all, nil // what went wrong shows at the next flush
}

// flush ends a frame, and waits until all is written. Only behind whole frames
// can anything be read again: see reading.
func (f *frames) flush() error {
	if len(f.chunk) > 0 {
		f.work <- f.chunk
		f.chunk = <-f.spare
	}
	f.work <- nil
	return <-f.idle
}

// close ends the worker.
func (f *frames) close() { close(f.work) }

// reading reads again, from a place on, what was written in whole frames into
// the file that is the archive. It is no more valid once more is written.
func (f *frames) reading(archive io.ReaderAt, from int64) (io.ReaderAt, error) {
	zip, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(frameBytes))
	return &framed{archive, from, f.ends, zip, -1, nil}, err
}

type framed struct {
	archive io.ReaderAt
	from    int64
	ends    []int64
	zip     *zstd.Decoder
	current int // the frame that is in text
	text    []byte
}

func (r *framed) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		at := r.from + off + int64(done)
		if err := r.load(int(at / frameBytes)); err != nil {
			return done, err
		}
		begin := int(at % frameBytes)
		if begin >= len(r.text) {
			return done, io.ErrUnexpectedEOF
		}
		done += copy(p[done:], r.text[begin:])
	}
	return done, nil
}

func (r *framed) load(frame int) error {
	if frame == r.current {
		return nil
	}
	if frame >= len(r.ends) {
		return io.ErrUnexpectedEOF
	}
	begin := int64(0)
	if frame > 0 {
		begin = r.ends[frame-1]
	}
	packed := make([]byte, r.ends[frame]-begin)
	if _, err := r.archive.ReadAt(packed, begin); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	text, err := r.zip.DecodeAll(packed, r.text[:0])
	if err != nil {
		return fmt.Errorf("%w: what was written reads otherwise: %w", ErrDamaged, err)
	}
	r.current, r.text = frame, text
	return nil
}

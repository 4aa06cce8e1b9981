package backup

import (
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
	zip     *zstd.Encoder
	written int64 // uncompressed
	chunk   []byte
	ends    []int64 // of the frames, in the archive
	work    chan []byte
	spare   chan []byte
	idle    chan error // the worker's answer to an empty chunk
	failed  error      // the worker's own
}

func newFrames(to *counting) (*frames, error) {
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(frameBytes), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
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
			frame = f.zip.EncodeAll(chunk, frame[:0])
			_, f.failed = f.to.Write(frame)
			f.ends = append(f.ends, f.to.n)
		}
		f.spare <- chunk[:0]
	}
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

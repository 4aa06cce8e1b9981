package backup

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"
)

// What an archive holds.
const (
	snapshotEntry    = "snapshot.db"
	clusterFileEntry = "etcdctr.yaml"
	authoritiesDir   = "authorities/"
	keysEntry        = "certificates.tar.age"
	metadataEntry    = "metadata.json"
	sealedEntry      = "data.tar.zst.age"
)

const (
	mostMetadata = 4 << 20 // bytes; a description of a hundred members is some ten thousand
	window       = 4 << 20 // of zstd's, which bounds the memory of who reads
)

// A footer ends the archive: one of zstd's skippable frames, which all readers
// pass over, that tells where the frame with metadata.json begins.
const (
	skippable   = 0x184D2A5E
	footerMark  = "etcdctr1"
	footerBytes = 4 + 4 + len(footerMark) + 8
)

func footer(begin int64) []byte {
	b := binary.LittleEndian.AppendUint32(nil, skippable)
	b = binary.LittleEndian.AppendUint32(b, uint32(footerBytes-8))
	b = append(b, footerMark...)
	return binary.LittleEndian.AppendUint64(b, uint64(begin))
}

// archiver writes an archive.
type archiver struct {
	file io.ReaderAt // the archive itself
	to   *counting
	zip  *frames
	tar  *tar.Writer
	at   time.Time
}

type counting struct {
	to io.Writer
	n  int64
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}

// archiveFile is what an archive is written into.
type archiveFile interface {
	io.Writer
	io.ReaderAt
}

func newArchiver(w archiveFile, at time.Time, stored bool) (*archiver, error) {
	to := &counting{to: w}
	zip, err := newFrames(to, stored)
	if err != nil {
		return nil, err
	}
	return &archiver{file: w, to: to, zip: zip, tar: tar.NewWriter(zip), at: at}, nil
}

// begin begins a file of that many bytes, which are to be written to a.tar.
func (a *archiver) begin(name string, size int64) error {
	return a.tar.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: a.at.UTC().Truncate(time.Second), Format: tar.FormatPAX})
}

func (a *archiver) add(name string, data []byte) error {
	if err := a.begin(name, int64(len(data))); err != nil {
		return err
	}
	_, err := a.tar.Write(data)
	return err
}

// finish writes what is known of all that was written, and ends the archive.
func (a *archiver) finish(m Metadata) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := errors.Join(a.tar.Flush(), a.zip.flush()); err != nil {
		return err
	}
	begin := a.to.n
	if err := a.add(metadataEntry, append(text, '\n')); err != nil {
		return err
	}
	if err := errors.Join(a.tar.Close(), a.zip.flush()); err != nil {
		return err
	}
	_, err = a.to.Write(footer(begin))
	return err
}

// inspect tells what the database holds whose entry began at a place of the
// archive, uncompressed, and has ended.
func (a *archiver) inspect(begin int64) (Contents, error) {
	if err := a.zip.flush(); err != nil {
		return Contents{}, err
	}
	r, err := a.zip.reading(a.file, begin)
	if err != nil {
		return Contents{}, err
	}
	return peek(r)
}

// close lets go of what an archiver holds.
func (a *archiver) close() { a.zip.close() }

// Read tells what an archive holds, by its end. It can't tell whether all of it
// is as it was written: see Verify. ErrNoArchive, ErrIncomplete and ErrDamaged
// say what is wrong with it. Of a bare snapshot the whole database is read.
func Read(path string) (Metadata, error) {
	m, err := read(path)
	if err != nil {
		return Metadata{}, fmt.Errorf("cannot read the backup %s: %w", path, err)
	}
	return m, nil
}

func read(path string) (Metadata, error) {
	f, err := os.Open(path)
	if err != nil {
		return Metadata{}, err
	}
	defer f.Close()
	bare, err := isBare(f)
	if err != nil {
		return Metadata{}, err
	}
	if bare {
		return readBare(f, io.Discard)
	}
	info, err := f.Stat()
	if err != nil {
		return Metadata{}, err
	}
	return readEnd(f, info.Size())
}

// readEnd reads the frame that the footer leads to, of an archive of that size.
func readEnd(f io.ReaderAt, size int64) (Metadata, error) {
	end := size - int64(footerBytes)
	foot := make([]byte, footerBytes)
	if end < 0 {
		return Metadata{}, ErrIncomplete
	}
	if _, err := f.ReadAt(foot, end); err != nil {
		return Metadata{}, err
	}
	begin := int64(binary.LittleEndian.Uint64(foot[footerBytes-8:]))
	if !bytes.Equal(foot, footer(begin)) || begin < 0 || begin >= end {
		return Metadata{}, ErrIncomplete
	}
	zip, err := unzip(io.NewSectionReader(f, begin, end-begin), 1)
	if err != nil {
		return Metadata{}, err
	}
	defer zip.Close()
	entries := tar.NewReader(zip)
	h, err := entries.Next()
	if err != nil || h.Name != metadataEntry || h.Size > mostMetadata {
		return Metadata{}, errors.Join(ErrDamaged, err)
	}
	return decodeMetadata(entries)
}

func decodeMetadata(r io.Reader) (Metadata, error) {
	var m Metadata
	if err := json.NewDecoder(r).Decode(&m); err != nil {
		return m, errors.Join(ErrDamaged, err)
	}
	return m, m.check()
}

// beside is how many blocks are uncompressed beside whoever reads all of a database.
const beside = 2

// unzip bounds its memory, whatever it reads. More blocks than one at a time are
// uncompressed by others than who reads.
func unzip(r io.Reader, blocks int) (*zstd.Decoder, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(blocks), zstd.WithDecoderMaxWindow(2*window), zstd.WithDecoderLowmem(true))
}

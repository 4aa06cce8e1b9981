package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/gitignore"
	"github.com/etcdctr/etcdctr/internal/outfile"
)

// Store is where backups are kept: a folder, or a bucket of an S3-compatible
// service.
type Store interface {
	// Place is how a user names one of its files; of "" the store itself.
	Place(name string) string
	// List gives the names of its files.
	List(ctx context.Context) ([]Stored, error)
	// Write makes a file, whole or not at all.
	Write(ctx context.Context, name string, write func(archiveFile) error) error
	// Open reads a file; fs.ErrNotExist without it.
	Open(ctx context.Context, name string) (Opened, error)
	// Delete deletes a file. One that is gone already is no error.
	Delete(ctx context.Context, name string) error
}

// Stored is a file of a Store.
type Stored struct {
	Name  string
	Bytes int64
}

// Opened is a file of a Store that is read.
type Opened interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// OpenStore opens a folder, or s3://BUCKET/PREFIX; what the latter takes besides
// comes from the environment: see openS3.
func OpenStore(destination string) (Store, error) {
	switch rest, bucket := cluster.InBucket(destination); {
	case bucket:
		return openS3(rest)
	case cluster.NamesService(destination):
		return nil, fmt.Errorf("%s: a destination is a folder or s3://BUCKET/PREFIX", destination)
	}
	return folder(destination), nil
}

// IsStore tells a place with archives from an archive, or a snapshot of etcd's.
func IsStore(place string) bool {
	info, err := os.Stat(place)
	return err == nil && info.IsDir() || cluster.NamesService(place) && !namesFile(place)
}

// IsFile tells an archive, or another file, from a place where archives are.
func IsFile(place string) bool {
	info, err := os.Stat(place)
	return err == nil && !info.IsDir() || cluster.NamesService(place) && namesFile(place)
}

// snapshotExtension ends the name of a snapshot in the examples of etcd's documentation.
const snapshotExtension = ".db"

// namesFile goes by the name alone: a bucket has no folders to be asked for.
func namesFile(place string) bool {
	return strings.HasSuffix(place, Extension) || strings.HasSuffix(place, snapshotExtension)
}

// StoreOf splits what a user calls a backup, a path or an s3:// name, into where
// it is kept and its name there.
func StoreOf(place string) (Store, string, error) {
	if !cluster.NamesService(place) {
		return folder(filepath.Dir(place)), filepath.Base(place), nil
	}
	kind, rest, ok := strings.Cut(place, "://")
	if !ok { // a bucket that is misspelt, which opening refuses
		_, err := OpenStore(place)
		return nil, "", err
	}
	i := strings.LastIndex(rest, "/")
	if i < 0 || i == len(rest)-1 {
		return nil, "", fmt.Errorf("%s names no file", place)
	}
	s, err := OpenStore(kind + "://" + rest[:i])
	return s, rest[i+1:], err
}

// Fetch gives a backup as a file on this machine: itself, if it is one, else a
// copy in the folder scratch. Without it the error is ErrNoBackup.
func Fetch(ctx context.Context, place, scratch string) (string, error) {
	if !cluster.NamesService(place) {
		if _, err := os.Stat(place); errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%w %s", ErrNoBackup, place)
		}
		return place, nil
	}
	s, name, err := StoreOf(place)
	if err != nil {
		return "", err
	}
	from, err := s.Open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w %s", ErrNoBackup, place)
	}
	if err != nil {
		return "", fmt.Errorf("cannot fetch %s: %w", place, err)
	}
	defer from.Close()
	to := filepath.Join(scratch, name)
	err = create(to, func(w io.Writer) error {
		_, err := io.Copy(until(ctx, w), io.NewSectionReader(from, 0, from.Size()))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("cannot fetch %s: %w", place, err)
	}
	return to, nil
}

// folder is a Store on this machine.
type folder string

func (f folder) Place(name string) string { return filepath.Join(string(f), name) }

func (f folder) List(context.Context) ([]Stored, error) {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return nil, err
	}
	var all []Stored
	for _, e := range entries {
		if info, err := e.Info(); err == nil && e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			all = append(all, Stored{e.Name(), info.Size()})
		}
	}
	return all, nil
}

func (f folder) Write(_ context.Context, name string, write func(archiveFile) error) error {
	if err := gitignore.MkdirAll(string(f), 0o700); err != nil {
		return err
	}
	return outfile.Stream(f.Place(name), 0o600, func(w io.Writer) error {
		file, ok := w.(archiveFile)
		if !ok {
			return fmt.Errorf("%s is no file that can be read again", f.Place(name))
		}
		return write(file)
	})
}

func (f folder) Open(_ context.Context, name string) (Opened, error) {
	file, err := os.Open(f.Place(name))
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &openedFile{file, info.Size()}, nil
}

type openedFile struct {
	*os.File
	size int64
}

func (f *openedFile) Size() int64 { return f.size }

func (f folder) Delete(_ context.Context, name string) error {
	err := os.Remove(f.Place(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

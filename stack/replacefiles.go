package stack

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/moby/moby/client"
)

// ReplaceFiles gives files of a container, running or not, another content. Their
// owners and modes stay, which `docker cp` would make root's. All of them are in
// one folder and have to be there.
func ReplaceFiles(ctx context.Context, e Engine, c Container, dir string, files map[string][]byte) error {
	r, err := e.CopyFromContainer(ctx, c.ID, client.CopyFromContainerOptions{SourcePath: dir})
	if err != nil {
		return fmt.Errorf("read %s of %s: %w", dir, c.Name, err)
	}
	defer r.Content.Close()
	archive, err := rewrite(r.Content, files)
	if err != nil {
		return fmt.Errorf("replace files in %s of %s: %w", dir, c.Name, err)
	}
	_, err = e.CopyToContainer(ctx, c.ID, client.CopyToContainerOptions{DestinationPath: dir, Content: archive})
	if err != nil {
		return fmt.Errorf("replace files in %s of %s: %w", dir, c.Name, err)
	}
	return nil
}

// rewrite makes an archive of the files with the headers that they have in
// another.
func rewrite(r io.Reader, files map[string][]byte) (io.Reader, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	found := 0
	for archive := tar.NewReader(r); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		content, wanted := files[path.Base(header.Name)]
		if !wanted || header.Typeflag != tar.TypeReg {
			continue
		}
		found++
		header.Name, header.Size = path.Base(header.Name), int64(len(content))
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(content); err != nil {
			return nil, err
		}
	}
	if found != len(files) {
		return nil, fmt.Errorf("%d of %d are there: %w", found, len(files), fs.ErrNotExist)
	}
	return &out, w.Close()
}

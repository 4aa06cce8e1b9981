package images

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/etcdctr/etcdctr/internal/outfile"
)

// File is one of the files that a bundle carries besides images.
type File struct {
	Name string // with slashes, relative to where the bundle's files are put
	Data []byte
}

// bundleDir holds a bundle's files inside the archive. The rest of it is what
// `docker save` writes, and `docker load` does not mind the folder.
const bundleDir = "stack/"

// maxBundledFile bounds a file that is read from a bundle, in bytes.
const maxBundledFile = 16 << 20

// WriteBundle writes one archive with images of a Docker Engine and files.
// LoadStored takes the images out of it, BundledFiles the files.
func WriteBundle(ctx context.Context, e Engine, refs []string, files []File, archive string, progress Progress) error {
	// An archive keeps tags only: what is named by digest would have no name
	// where it is loaded.
	if _, err := parseTags(refs); err != nil {
		return err
	}
	if err := wantImages(ctx, e, refs); err != nil {
		return err
	}
	return writeFile(archive, func(w io.Writer) error {
		r, pw := io.Pipe()
		go func() { pw.CloseWithError(saveTo(ctx, e, refs, pw, archive, progress)) }()
		defer r.Close()
		tw := tar.NewWriter(w)
		if err := copyTar(tw, tar.NewReader(r)); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, r); err != nil { // what follows a tar archive's end
			return err
		}
		for _, f := range files {
			if err := writeEntry(tw, inMemory(path.Join(bundleDir, f.Name), f.Data)); err != nil {
				return err
			}
		}
		return tw.Close()
	})
}

func copyTar(tw *tar.Writer, tr *tar.Reader) error {
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := tw.WriteHeader(h); err != nil {
			return err
		}
		if _, err := io.Copy(tw, tr); err != nil {
			return err
		}
	}
}

// BundledFiles reads the files of a bundle. Other archives have none, and neither has
// an OCI layout, which is a folder.
func BundledFiles(ctx context.Context, archive string) ([]File, error) {
	if info, err := os.Stat(archive); err != nil || info.IsDir() {
		return nil, err
	}
	var files []File
	err := eachEntry(ctx, archive, func(h *tar.Header, r io.Reader) error {
		name, ok := strings.CutPrefix(h.Name, bundleDir)
		if !ok || h.Typeflag == tar.TypeDir {
			return nil
		}
		if h.Typeflag != tar.TypeReg || h.Size > maxBundledFile || !filepath.IsLocal(filepath.FromSlash(name)) {
			return errors.New("is no file that belongs in a bundle: it was tampered with")
		}
		data, err := io.ReadAll(r)
		files = append(files, File{Name: name, Data: data})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", archive, err)
	}
	return files, nil
}

// CertsFolder is the folder of a bundle whose files are certificates: keys come to them
// later, so nobody else reads it.
const CertsFolder = "certs"

// ErrDiffers is found in the error of CheckFiles.
var ErrDiffers = errors.New("is there and differs from the bundle's")

// CheckFiles reports all files of a bundle that are in a folder already and differ.
func CheckFiles(dir string, files []File) error {
	var errs []error
	for _, f := range files {
		there, err := os.ReadFile(f.in(dir))
		if err == nil && !bytes.Equal(there, f.Data) {
			errs = append(errs, fmt.Errorf("%s %w", f.in(dir), ErrDiffers))
		}
	}
	return errors.Join(errs...)
}

// WriteFiles writes the files of a bundle into a folder.
func WriteFiles(dir string, files []File) error {
	for _, f := range files {
		if err := os.MkdirAll(filepath.Dir(f.in(dir)), f.folderMode()); err != nil {
			return err
		}
		if err := outfile.Write(f.in(dir), f.Data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (f File) in(dir string) string { return filepath.Join(dir, filepath.FromSlash(f.Name)) }

// folderMode is that of the folder of a file: what is not of certificates is read by
// services that are nobody on this machine.
func (f File) folderMode() fs.FileMode {
	if strings.HasPrefix(f.Name, CertsFolder+"/") {
		return 0o700
	}
	return 0o755
}

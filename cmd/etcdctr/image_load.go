package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/internal/outfile"
)

type imageLoadOptions struct {
	output   string
	progress string
}

func newImageLoadCommand(a *app) *cobra.Command {
	var o imageLoadOptions
	cmd := &cobra.Command{
		Use:   "load ARCHIVE",
		Short: "Hand the images of an archive to the Docker Engine",
		Long: `load takes what image build, image save, image bundle and docker save write, and
OCI layouts, as a folder or an archive. Of an image for several platforms it
takes the Engine's. The result is one reference a line.

With --output, the Compose file and the certificates of a bundle are written
into a folder. Files that are there and differ are not touched: load refuses.`,
		Args: exactly(1, "the archive, or the folder of an OCI layout"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runImageLoad(cmd.Context(), a, args[0], o)
		},
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "folder for the files that a bundle carries besides images")
	addProgressFlag(cmd, &o.progress)
	return cmd
}

func runImageLoad(ctx context.Context, a *app, path string, o imageLoadOptions) error {
	files, err := bundledFiles(ctx, path)
	if err != nil {
		return err
	}
	if o.output != "" {
		if err := wantUnchanged(o.output, files); err != nil {
			return err
		}
	}
	engine, err := a.connectEngine(ctx)
	if err != nil {
		return err
	}
	defer engine.Close()
	board := a.newProgress(o.progress)
	defer board.Close()
	refs, err := images.LoadStored(ctx, engine, path, showImageEvents(board))
	if err != nil {
		return imageError(err)
	}
	board.Close()
	for _, ref := range refs {
		fmt.Fprintln(a.out, ref)
	}
	return a.writeBundled(path, o.output, files)
}

// bundledFiles reads what an archive carries besides images. A layout, which is
// a folder, carries nothing.
func bundledFiles(ctx context.Context, path string) ([]images.File, error) {
	st, err := os.Stat(path)
	if err != nil || st.IsDir() {
		return nil, err
	}
	return images.BundledFiles(ctx, path)
}

// writeBundled writes the files of a bundle into a folder.
func (a *app) writeBundled(archive, dir string, files []images.File) error {
	if len(files) == 0 {
		return nil
	}
	if dir == "" {
		a.say("%s carries %d files besides images: --output FOLDER writes them", archive, len(files))
		return nil
	}
	for _, f := range files {
		file := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(file), bundledMode(f.Name)); err != nil {
			return err
		}
		if err := outfile.Write(file, f.Data, 0o644); err != nil {
			return err
		}
	}
	a.say("wrote %d files into %s", len(files), dir)
	return nil
}

// bundledMode is that of a file's folder: keys come into those of certificates, and the
// others are read by services that are nobody on this machine.
func bundledMode(name string) fs.FileMode {
	if strings.HasPrefix(name, bundledCerts+"/") {
		return 0o700
	}
	return 0o755
}

// wantUnchanged refuses to replace files, and names all that differ.
func wantUnchanged(dir string, files []images.File) error {
	var errs []error
	for _, f := range files {
		file := filepath.Join(dir, filepath.FromSlash(f.Name))
		there, err := os.ReadFile(file)
		if err == nil && !bytes.Equal(there, f.Data) {
			errs = append(errs, fmt.Errorf("%s is there and differs from the bundle's: move it away, or choose another --output", file))
		}
	}
	return errors.Join(errs...)
}

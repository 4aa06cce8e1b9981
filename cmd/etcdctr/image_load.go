package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/images"
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
		Args: typed.Exactly(1, "the archive, or the folder of an OCI layout"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runImageLoad(cmd.Context(), a, args[0], o)
		},
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "folder for the files that a bundle carries besides images")
	typed.AddProgress(cmd, &o.progress)
	return cmd
}

func runImageLoad(ctx context.Context, a *app, path string, o imageLoadOptions) error {
	files, err := images.BundledFiles(ctx, path)
	if err == nil && o.output != "" {
		err = images.CheckFiles(o.output, files)
	}
	if err != nil {
		return err
	}
	engine, err := a.ConnectEngine(ctx)
	if err != nil {
		return err
	}
	defer engine.Close()
	board := a.NewBoard(o.progress)
	defer board.Close()
	refs, err := images.LoadStored(ctx, engine, path, showImageEvents(board))
	if err != nil {
		return err
	}
	board.Close()
	for _, ref := range refs {
		fmt.Fprintln(a.Out, ref)
	}
	switch {
	case len(files) == 0:
		return nil
	case o.output == "":
		a.Say("%s carries %d files besides images: --output FOLDER writes them", path, len(files))
		return nil
	}
	if err := images.WriteFiles(o.output, files); err != nil {
		return err
	}
	a.Say("wrote %d files into %s", len(files), o.output)
	return nil
}

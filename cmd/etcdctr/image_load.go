package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/images"
)

type imageLoadOptions struct {
	progress string
}

func newImageLoadCommand(a *app) *cobra.Command {
	var o imageLoadOptions
	cmd := &cobra.Command{
		Use:   "load ARCHIVE",
		Short: "Hand the images of an archive to the Docker Engine",
		Long: `load takes what image build, image save, image bundle and docker save write, and
OCI layouts, as a folder or an archive. Of an image for several platforms it
takes the Engine's. The result is one reference a line.`,
		Args: exactly(1, "the archive, or the folder of an OCI layout"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runImageLoad(cmd.Context(), a, args[0], o)
		},
	}
	addProgressFlag(cmd, &o.progress)
	return cmd
}

func runImageLoad(ctx context.Context, a *app, path string, o imageLoadOptions) error {
	engine, err := connectEngine(ctx)
	if err != nil {
		return err
	}
	board := a.newProgress(o.progress)
	defer board.close()
	refs, err := images.LoadStored(ctx, engine, path, showImageEvents(board))
	if err != nil {
		return imageError(err)
	}
	board.close()
	for _, ref := range refs {
		fmt.Fprintln(a.out, ref)
	}
	return nil
}

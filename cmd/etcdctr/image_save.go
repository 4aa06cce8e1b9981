package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/images"
)

type imageSaveOptions struct {
	output   string
	progress string
}

func newImageSaveCommand(a *app) *cobra.Command {
	var o imageSaveOptions
	cmd := &cobra.Command{
		Use:   "save --output FILE REFERENCE...",
		Short: "Write images of the Docker Engine into an archive",
		Long: `save writes an archive that image load and docker load take on a machine that no
registry can be reached from. The archive is there whole or not at all.`,
		Example: `  etcdctr image save --output etcd.tar localhost/etcd:v3.7.3`,
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runImageSave(cmd.Context(), a, args, o)
		},
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "archive to write")
	typed.AddProgress(cmd, &o.progress)
	return cmd
}

func runImageSave(ctx context.Context, a *app, refs []string, o imageSaveOptions) error {
	var errs []error
	if o.output == "" {
		errs = append(errs, errors.New("give the archive to write with --output FILE"))
	}
	if len(refs) == 0 {
		errs = append(errs, errors.New("give the images to save"))
	}
	if err := errors.Join(errs...); err != nil {
		return usage(err)
	}
	engine, err := a.ConnectEngine(ctx)
	if err != nil {
		return err
	}
	defer engine.Close()
	board := a.NewBoard(o.progress)
	defer board.Close()
	return images.Save(ctx, engine, refs, o.output, showImageEvents(board))
}

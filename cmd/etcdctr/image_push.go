package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/images"
)

type imagePushOptions struct {
	from      string
	plainHTTP bool
	progress  string
}

func newImagePushCommand(a *app) *cobra.Command {
	var o imagePushOptions
	cmd := &cobra.Command{
		Use:   "push REFERENCE",
		Short: "Put an image into a registry",
		Long: `push puts the Docker Engine's image of that name into the registry that the
name says; with --from, it puts the image of an OCI layout or an archive there,
all its platforms and its bill of materials included. What docker login left is
used to log in, and /etc/docker/certs.d says which authorities to trust besides
the system's. The result is the reference with its digest.`,
		Example: `  etcdctr image push registry.example/etcd:v3.7.3
  etcdctr image push --from etcd-image registry.example/etcd:v3.7.3`,
		Args: typed.Exactly(1, "the reference to push to"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runImagePush(cmd.Context(), a, args[0], o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.from, "from", "", "OCI layout (a folder) or archive to push instead of the Docker Engine's image")
	flags.BoolVar(&o.plainHTTP, "plain-http", false, "speak unencrypted HTTP to other machines too, not just on loopback")
	typed.AddProgress(cmd, &o.progress)
	return cmd
}

func runImagePush(ctx context.Context, a *app, ref string, o imagePushOptions) error {
	board := a.NewBoard(o.progress)
	defer board.Close()
	opts := images.PushOptions{PlainHTTP: o.plainHTTP, Progress: showImageEvents(board), CertsDirs: target.RegistryCertsDirs()}
	push := func() (fmt.Stringer, error) { return images.PushStored(ctx, o.from, ref, opts) }
	if o.from == "" {
		e, err := a.ConnectEngine(ctx)
		if err != nil {
			return err
		}
		defer e.Close()
		push = func() (fmt.Stringer, error) { return images.PushEngine(ctx, e, ref, opts) }
	}
	digest, err := push()
	if err != nil {
		return err
	}
	board.Close()
	fmt.Fprintf(a.Out, "%s@%s\n", ref, digest)
	return nil
}

package main

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/images"
)

// bundledCompose is the Compose file in a bundle, beside the folder certs.
const (
	bundledCompose = "docker-compose.yml"
	bundledCerts   = "certs"
)

type imageBundleOptions struct {
	cluster  *clusterFlags
	output   string
	progress string
}

func newImageBundleCommand(a *app) *cobra.Command {
	var o imageBundleOptions
	cmd := &cobra.Command{
		Use:   "bundle --output FILE",
		Short: "Write every image of a stack, its Compose file and its certificates into one archive",
		Long: `bundle writes what a stack needs where no registry can be reached: its images,
out of the Docker Engine, its Compose file, and the certificates and revocation
lists of its certificates folder. Keys are no part of it: take them there some
safer way, or make the certificates there. image load takes the archive, and
docker load takes the images out of it.`,
		Example: `  etcdctr image bundle --members 5 --output orders.tar
  etcdctr image load --output orders orders.tar`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runImageBundle(cmd.Context(), a, o)
		},
	}
	o.cluster = addClusterFlags(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "archive to write")
	addProgressFlag(cmd, &o.progress)
	return cmd
}

func runImageBundle(ctx context.Context, a *app, o imageBundleOptions) error {
	if o.output == "" {
		return usage(errors.New("give the archive to write with --output FILE"))
	}
	c, err := o.cluster.resolve(a)
	if err != nil {
		return err
	}
	project := compose.Project(c, compose.Options{CertsDir: "./" + bundledCerts})
	file, err := compose.Marshal(ctx, c, project)
	if err != nil {
		return err
	}
	files := []images.File{{Name: bundledCompose, Data: file}}
	if c.TLS == cluster.Mutual {
		public, err := publicCertificates(o.cluster.certificates())
		if err != nil {
			return err
		}
		if len(public) == 0 {
			a.warn("no certificates in %s: the bundle has none", o.cluster.certificates())
		}
		files = append(files, public...)
	}
	refs := map[string]bool{}
	for _, s := range project.Services {
		refs[s.Image] = true
	}
	engine, err := connectEngine(ctx)
	if err != nil {
		return err
	}
	defer engine.Close()
	board := a.newProgress(o.progress)
	defer board.close()
	err = images.WriteBundle(ctx, engine, slices.Sorted(maps.Keys(refs)), files, o.output, showImageEvents(board))
	return imageError(err)
}

// publicCertificates reads what may be seen by everybody of a certificates
// folder: certificates and revocation lists.
func publicCertificates(dir string) ([]images.File, error) {
	var files []images.File
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if ext := filepath.Ext(file); err != nil || d.IsDir() || ext != ".crt" && ext != ".der" {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(file)
		files = append(files, images.File{Name: path.Join(bundledCerts, filepath.ToSlash(rel)), Data: data})
		return err
	})
	return files, err
}

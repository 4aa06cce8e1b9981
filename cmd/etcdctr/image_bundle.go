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
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/runtime/docker"
)

// bundledCompose is the Compose file in a bundle, beside the folder certs.
const (
	bundledCompose = "docker-compose.yml"
	bundledCerts   = "certs"
)

type imageBundleOptions struct {
	cluster  *clusterFlags
	output   string
	pull     string
	progress string
}

func newImageBundleCommand(a *app) *cobra.Command {
	var o imageBundleOptions
	cmd := &cobra.Command{
		Use:   "bundle --output FILE",
		Short: "Write every image of a stack, its Compose file and its certificates into one archive",
		Long: `bundle writes what a stack needs where no registry can be reached: its images,
its Compose file, what the services beside its members read, and the certificates
and revocation lists of its certificates folder. Keys are no part of it: take them there some safer way, or make the
certificates there. image load takes the archive, and docker load takes the
images out of it.

An image that the Docker Engine does not have is pulled; if that cannot be, and it
is the official one of the etcd that this program carries, this program is packed
as it. For a DNS server that cannot be had, the stack gets the one that this program
has itself, unless --dns-image names one. --pull says otherwise, as for up.`,
		Example: `  etcdctr image bundle --members 5 --output orders.tar
  etcdctr image load --output orders orders.tar`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runImageBundle(cmd.Context(), a, o)
		},
	}
	o.cluster = addClusterFlags(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "archive to write")
	addPullFlag(cmd, &o.pull)
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
	dir, err := o.cluster.certificates(a)
	if err != nil {
		return err
	}
	_, e, err := a.clusters(o.cluster, working{progress: o.progress, pull: o.pull})
	if err != nil {
		return err
	}
	defer e.close()
	onEngine, err := e.docker()
	if err != nil {
		return err
	}
	if err := dnsToBeHad(ctx, a, onEngine, c); err != nil {
		return imageError(err)
	}
	project := compose.Project(c, compose.Options{CertsDir: "./" + bundledCerts, DNSDir: "./dns/" + c.Name, MonitoringDir: "./monitoring/" + c.Name})
	files, err := bundleFiles(ctx, a, c, project, dir)
	if err != nil {
		return err
	}
	refs := docker.ImageRefs(project)
	if _, err := onEngine.ImageIDs(ctx, refs); err != nil {
		return imageError(err)
	}
	if err := images.WriteBundle(ctx, e.engine, refs, files, o.output, showImageEvents(e.board)); err != nil {
		return imageError(err)
	}
	e.board.Close()
	a.say("wrote %s: %s and %d files", o.output, strings.Join(refs, ", "), len(files))
	return nil
}

// dnsToBeHad has a stack run etcdctr's own DNS server where nobody has chosen an image
// and the usual one can't be had.
func dnsToBeHad(ctx context.Context, a *app, onEngine *docker.Runtime, c *cluster.Cluster) error {
	if c.DNS == nil || c.Spec.DNSImage != "" {
		return nil
	}
	_, err := onEngine.ImageIDs(ctx, []string{c.DNS.Image})
	if missing := (*docker.ImageError)(nil); !errors.As(err, &missing) {
		return err
	}
	a.warn("%v: the stack's DNS server is the one of this program, dns-image: %s", err, compose.OwnImage)
	c.DNS.Image = compose.OwnImage
	return nil
}

// bundleFiles are what a bundle has besides images: the Compose file first, then
// what everybody may see of the certificates.
func bundleFiles(ctx context.Context, a *app, c *cluster.Cluster, project *types.Project, certsDir string) ([]images.File, error) {
	file, err := compose.Marshal(ctx, c, project)
	if err != nil {
		return nil, err
	}
	files := []images.File{{Name: bundledCompose, Data: file}}
	configs, err := docker.Configs(c)
	if err != nil {
		return nil, err
	}
	for _, x := range configs {
		for _, name := range slices.Sorted(maps.Keys(x.Files)) {
			files = append(files, images.File{Name: path.Join(x.Folder, c.Name, name), Data: x.Files[name]})
		}
	}
	if c.TLS != cluster.Mutual {
		return files, nil
	}
	public, err := publicCertificates(certsDir)
	if err == nil && len(public) == 0 {
		a.warn("no certificates in %s: the bundle has none", certsDir)
	}
	return append(files, public...), err
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

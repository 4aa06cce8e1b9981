package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file gathers what a stack needs where no registry can be reached.

// BundledCompose is the name of the Compose file in a bundle.
const BundledCompose = "docker-compose.yml"

// Bundle is what a stack needs: its images, which the engine has, and its files, the
// Compose file first. Of its certificates there is what everybody may see.
type Bundle struct {
	Images []string
	Files  []images.File
	engine Engine
}

// Bundle gathers it. Images that the engine lacks are got as for a start. Where the
// usual image of a DNS server can't be had and nobody has chosen one, the stack gets
// that of this program, which is told as a Caveat.
func (r *Runtime) Bundle(ctx context.Context, c *cluster.Cluster, certsDir string) (*Bundle, error) {
	c, err := r.withDNS(ctx, c)
	if err != nil {
		return nil, err
	}
	project := compose.Project(c, compose.Options{
		CertsDir: "./" + images.CertsFolder, DNSDir: "./dns/" + c.Name, MonitoringDir: "./monitoring/" + c.Name,
	})
	b := &Bundle{Images: ImageRefs(project), engine: r.engine}
	if b.Files, err = r.bundled(ctx, c, project, certsDir); err != nil {
		return nil, err
	}
	_, err = r.ImageIDs(ctx, b.Images)
	return b, err
}

// Write writes it into one archive: see images.WriteBundle.
func (b *Bundle) Write(ctx context.Context, archive string, progress images.Progress) error {
	return images.WriteBundle(ctx, b.engine, b.Images, b.Files, archive, progress)
}

// withDNS gives a cluster with a DNS server that can be had.
func (r *Runtime) withDNS(ctx context.Context, c *cluster.Cluster) (*cluster.Cluster, error) {
	if c.DNS == nil || c.Spec.DNSImage != "" {
		return c, nil
	}
	_, err := r.ImageIDs(ctx, []string{c.DNS.Image})
	if missing := (*ImageError)(nil); !errors.As(err, &missing) {
		return c, err
	}
	r.tell(runtime.Event{Action: runtime.Caveat, Detail: fmt.Sprintf("%v: the stack's DNS server is the one of this program, dns-image: %s", err, compose.OwnImage)})
	with, server := *c, *c.DNS
	server.Image = compose.OwnImage
	with.DNS = &server
	return &with, nil
}

// bundled are the files of a bundle.
func (r *Runtime) bundled(ctx context.Context, c *cluster.Cluster, project *types.Project, certsDir string) ([]images.File, error) {
	file, err := compose.Marshal(ctx, c, project)
	if err != nil {
		return nil, err
	}
	files := []images.File{{Name: BundledCompose, Data: file}}
	configs, err := Configs(c)
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
		r.tell(runtime.Event{Action: runtime.Caveat, Detail: fmt.Sprintf("no certificates in %s: the bundle has none", certsDir)})
	}
	return append(files, public...), err
}

// publicCertificates reads what may be seen by everybody of a certificates folder:
// certificates and revocation lists.
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
		files = append(files, images.File{Name: path.Join(images.CertsFolder, filepath.ToSlash(rel)), Data: data})
		return err
	})
	return files, err
}

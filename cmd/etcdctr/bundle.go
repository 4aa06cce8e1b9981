package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	_ "embed" // for the README
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/internal/outfile"
)

type bundleOptions struct {
	cluster *clusterFlags
	output  string
}

func newBundleCommand(a *app) *cobra.Command {
	var o bundleOptions
	cmd := &cobra.Command{
		Use:   "bundle",
		Short: "Write one archive for each machine of a cluster",
		Long: `bundle writes one archive for each machine of a cluster whose members have hosts:
the machine's Compose file, its systemd unit, its member's certificates and a
README of the commands to run there. Nothing of another member and no authority's
key is in it. Its member's keys are: hand it over like one.`,
		Example: `  etcdctr bundle -f orders.yaml -o bundles
  scp bundles/orders-etcd1.tar.gz 192.168.202.128:`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runBundle(cmd.Context(), a, o)
		},
	}
	o.cluster = addClusterFlags(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", "bundles", "folder to write the archives into")
	return cmd
}

func runBundle(ctx context.Context, a *app, o bundleOptions) error {
	c, err := o.cluster.resolve(a)
	if err != nil {
		return err
	}
	if !c.SpansMachines() {
		return withHint(usage(fmt.Errorf("the members of %s have no machines of their own", c.Name)), "give each its host in the cluster file")
	}
	spec, _, err := o.cluster.spec(a)
	if err != nil {
		return err
	}
	native, err := cluster.Resolve(spec, cluster.UnderSystemd)
	if err != nil {
		return usage(err)
	}
	if err := a.prepare(ctx, c, o.cluster); err != nil {
		return err
	}
	dir, err := o.cluster.certificates(a)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range c.Members {
		b := bundle{cluster: c.Only(m.Name), native: native.Only(m.Name), member: m, certsDir: dir}
		file := filepath.Join(o.output, cluster.UnitName(c.Name, m.Name)+".tar.gz")
		if err := b.write(ctx, file); err != nil {
			errs = append(errs, fmt.Errorf("cannot write what %s runs: %w", m.Name, err))
			continue
		}
		a.say("%s: for %s, at %s", file, m.Name, m.Host)
	}
	return errors.Join(errs...)
}

// bundle is what one machine runs.
type bundle struct {
	cluster  *cluster.Cluster // this machine's part of it, in a container
	native   *cluster.Cluster // and under systemd
	member   cluster.Member
	certsDir string
}

func (b bundle) write(ctx context.Context, file string) error {
	files, err := b.files(ctx)
	if err != nil {
		return err
	}
	archive, err := packFiles(cluster.UnitName(b.cluster.Name, b.member.Name), files)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return outfile.Write(file, archive, 0o600)
}

// packedFile is a file of an archive.
type packedFile struct {
	textFile
	mode fs.FileMode
}

func (b bundle) files(ctx context.Context) ([]packedFile, error) {
	credentials, options := b.credentials()
	file, err := compose.Marshal(ctx, b.cluster, compose.Project(b.cluster, options))
	if err != nil {
		return nil, err
	}
	readme, err := b.readme()
	if err != nil {
		return nil, err
	}
	files := []packedFile{
		{textFile{"README.md", readme}, 0o644},
		{textFile{"docker-compose.yml", file}, 0o644},
	}
	for _, f := range unitFiles(b.native, unitProgram("")) {
		files = append(files, packedFile{textFile{"systemd/" + f.name, f.data}, 0o644})
	}
	for name, from := range credentials {
		data, err := os.ReadFile(from)
		if err != nil {
			return nil, fmt.Errorf("cannot read what the discovery service is shown: %w", err)
		}
		files = append(files, packedFile{textFile{name, data}, 0o600})
	}
	if b.cluster.TLS != cluster.Mutual {
		return files, nil
	}
	certs, err := b.certificates()
	return append(files, certs...), err
}

// credentials are what the member shows an existing discovery service, by their
// names in the archive, and tells the Compose file where its files are.
func (b bundle) credentials() (map[string]string, compose.Options) {
	options, files := compose.Options{CertsDir: "./certs"}, map[string]string{}
	if b.cluster.Discovery == nil {
		return files, options
	}
	have, packed := b.cluster.Discovery.Credentials, b.cluster.Discovery.Credentials.In("discovery")
	place := func(from, name string) string {
		if from == "" {
			return ""
		}
		files[name] = from
		return "./" + name
	}
	options.Credentials = cluster.DiscoveryCredentials{
		CACert: place(have.CACert, packed.CACert), Cert: place(have.Cert, packed.Cert), Key: place(have.Key, packed.Key),
	}
	return files, options
}

// certificates are the member's own.
func (b bundle) certificates() ([]packedFile, error) {
	var files []packedFile
	folder := path.Join("members", b.member.Name)
	err := fs.WalkDir(os.DirFS(b.certsDir), folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(filepath.Join(b.certsDir, filepath.FromSlash(name)))
		files = append(files, packedFile{textFile{"certs/" + name, data}, info.Mode().Perm()})
		return err
	})
	return files, err
}

//go:embed bundle.md
var bundleReadme string

var readmeTemplate = template.Must(template.New("README.md").Parse(bundleReadme))

func (b bundle) readme() ([]byte, error) {
	unit := cluster.UnitName(b.cluster.Name, b.member.Name)
	var out bytes.Buffer
	err := readmeTemplate.Execute(&out, map[string]any{
		"Member": b.member.Name, "Cluster": b.cluster.Name, "Host": b.member.Host, "Etcd": b.cluster.Etcd,
		"ClientPort": b.member.Place.ClientPort, "PeerPort": b.member.Place.PeerPort,
		"Unit": unit, "User": compose.SystemUser, "Config": compose.ConfigDir,
		"Mutual": b.cluster.TLS == cluster.Mutual, "ClientURL": b.member.ClientURL(),
		"Token":     b.token(),
		"Discovery": b.cluster.Discovery != nil && b.cluster.Discovery.Credentials != cluster.DiscoveryCredentials{},
	})
	return out.Bytes(), err
}

// token is the discovery token that members register under themselves; empty if
// they do not.
func (b bundle) token() string {
	if d := b.cluster.Discovery; d != nil && d.ByMembers() && !d.V2() {
		return d.Token
	}
	return ""
}

// packFiles makes an archive of one folder, for its owner only. The same files
// give the same bytes.
func packFiles(folder string, files []packedFile) ([]byte, error) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	if err := archive.WriteHeader(&tar.Header{Name: folder + "/", Mode: 0o700, Typeflag: tar.TypeDir}); err != nil {
		return nil, err
	}
	slices.SortStableFunc(files, func(a, b packedFile) int { return strings.Compare(a.name, b.name) })
	for _, f := range files {
		header := &tar.Header{Name: path.Join(folder, f.name), Mode: int64(f.mode), Size: int64(len(f.data)), Typeflag: tar.TypeReg}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := archive.Write(f.data); err != nil {
			return nil, err
		}
	}
	err := errors.Join(archive.Close(), zip.Close())
	return out.Bytes(), err
}

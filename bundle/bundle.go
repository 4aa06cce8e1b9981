// Package bundle packs what each machine of a cluster runs into an archive: its
// Compose file with a script that starts it, its systemd unit, its member's certificates
// and a README of the commands to run there. Nothing of another member and no authority's
// key is in it.
package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	_ "embed" // for the README
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	slash "path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/internal/gitignore"
	"github.com/etcdctr/etcdctr/internal/outfile"
)

// Machine is what one machine of a cluster runs.
type Machine struct {
	member            cluster.Member
	cluster, native   *cluster.Cluster // the machine's part, in a container and under systemd
	certsDir, program string
}

// Machines are those of a cluster whose members have machines of their own. It is
// resolved for containers and for systemd, whose units start program; certsDir is a
// folder as package certs lays it out.
func Machines(inContainers, underSystemd *cluster.Cluster, certsDir, program string) []Machine {
	var all []Machine
	for _, m := range inContainers.Members {
		all = append(all, Machine{
			member: m, cluster: inContainers.Only(m.Name), native: underSystemd.Only(m.Name), certsDir: certsDir, program: program,
		})
	}
	return all
}

// Member is the one that the machine runs.
func (b Machine) Member() string { return b.member.Name }

// Host is the machine, as the cluster file names it.
func (b Machine) Host() netip.Addr { return b.member.Host }

// Name is that of the archive's file, and of the folder in it.
func (b Machine) Name() string { return cluster.UnitName(b.cluster.Name, b.member.Name) }

// Of gives one machine of a cluster that is resolved for containers; under systemd its
// member is founded in the same way.
func Of(c *cluster.Cluster, member, certsDir, program string) (Machine, error) {
	native, err := cluster.Resolve(c.Spec, cluster.UnderSystemd)
	if err != nil {
		return Machine{}, err
	}
	founded := map[string]cluster.Settings{}
	for _, m := range c.Members {
		founded[m.Name] = m.Settings
	}
	return Machines(c.Only(member), native.AsStarted(founded), certsDir, program)[0], nil
}

// Archive is the archive, the same bytes for the same machine.
func (b Machine) Archive(ctx context.Context) ([]byte, error) {
	files, err := b.files(ctx)
	if err != nil {
		return nil, err
	}
	return pack(b.Name(), files)
}

// Write writes the archive, for its owner only. It is there whole or not at all.
func (b Machine) Write(ctx context.Context, path string) error {
	archive, err := b.Archive(ctx)
	if err != nil {
		return err
	}
	if err := gitignore.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return outfile.Write(path, archive, 0o600)
}

// file is one of an archive.
type file struct {
	name string
	data []byte
	mode fs.FileMode
}

// started is what the member is started by.
func (b Machine) started(ctx context.Context) ([]file, error) {
	_, options := b.credentials()
	composed, err := compose.Marshal(ctx, b.cluster, compose.Project(b.cluster, options))
	if err != nil {
		return nil, err
	}
	files := []file{{composeFile, composed, 0o644}}
	for _, f := range compose.UnitFiles(b.native, b.program) {
		files = append(files, file{systemdFolder + f.Name, f.Data, 0o644})
	}
	return files, nil
}

func (b Machine) files(ctx context.Context) ([]file, error) {
	credentials, _ := b.credentials()
	files, err := b.started(ctx)
	if err != nil {
		return nil, err
	}
	readme, err := b.readme()
	if err != nil {
		return nil, err
	}
	start, err := b.start()
	if err != nil {
		return nil, err
	}
	files = append(files, file{"README.md", readme, 0o644}, file{Start, start, 0o755})
	for name, from := range credentials {
		data, err := os.ReadFile(from)
		if err != nil {
			return nil, fmt.Errorf("cannot read what the discovery service is shown: %w", err)
		}
		files = append(files, file{name, data, 0o600})
	}
	if b.cluster.TLS != cluster.Mutual {
		return files, nil
	}
	certs, err := b.certificates()
	return append(files, certs...), err
}

// credentials are what the member shows an existing discovery service, by their
// names in the archive, and tells the Compose file where its files are.
func (b Machine) credentials() (map[string]string, compose.Options) {
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
func (b Machine) certificates() ([]file, error) {
	var files []file
	folder := slash.Join("members", b.member.Name)
	err := fs.WalkDir(os.DirFS(b.certsDir), folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(filepath.Join(b.certsDir, filepath.FromSlash(name)))
		files = append(files, file{"certs/" + name, data, info.Mode().Perm()})
		return err
	})
	return files, err
}

//go:embed README.md.tmpl
var readmeText string

var readmeTemplate = template.Must(template.New("README.md").Parse(readmeText))

func (b Machine) readme() ([]byte, error) {
	var out bytes.Buffer
	err := readmeTemplate.Execute(&out, map[string]any{
		"Member": b.member.Name, "Cluster": b.cluster.Name, "Host": b.member.Host, "Etcd": b.cluster.Etcd,
		"ClientPort": b.member.Place.ClientPort, "PeerPort": b.member.Place.PeerPort,
		"Keeps": b.keeps(), "Mark": Mark, "UnitMark": compose.UnitMark(b.native, b.member),
		"Unit": b.Name(), "User": compose.SystemUser, "Config": compose.ConfigDir,
		"Mutual": b.cluster.TLS == cluster.Mutual, "ClientURL": b.member.ClientURL(),
		"Token":     b.token(),
		"Discovery": b.cluster.Discovery != nil && b.cluster.Discovery.Credentials != cluster.DiscoveryCredentials{},
	})
	return out.Bytes(), err
}

// Start is the script that starts the member in a container, and Mark the file beside it
// that says that the member has had data there: without its data it is not started then.
const (
	Start = "start.sh"
	Mark  = "served"
)

//go:embed start.sh.tmpl
var startText string

var startTemplate = template.Must(template.New(Start).Parse(startText))

func (b Machine) start() ([]byte, error) {
	var out bytes.Buffer
	log := b.member.WALDir()
	err := startTemplate.Execute(&out, map[string]any{
		"Member": b.member.Name, "Cluster": b.cluster.Name, "Mark": Mark,
		"Keeps": b.keeps(), "Log": log, "LogName": slash.Base(log) + "/",
	})
	return out.Bytes(), err
}

// keeps tells that the member has its data where a container that is made anew finds it.
func (b Machine) keeps() bool { return b.cluster.Data == cluster.Volume }

// token is the discovery token that members register under themselves; empty if
// they do not.
func (b Machine) token() string {
	if d := b.cluster.Discovery; d != nil && d.ByMembers() && !d.V2() {
		return d.Token
	}
	return ""
}

// pack makes an archive of one folder, for its owner only. The same files
// give the same bytes.
func pack(folder string, files []file) ([]byte, error) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	if err := archive.WriteHeader(&tar.Header{Name: folder + "/", Mode: 0o700, Typeflag: tar.TypeDir}); err != nil {
		return nil, err
	}
	slices.SortStableFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	for _, f := range files {
		header := &tar.Header{Name: slash.Join(folder, f.name), Mode: int64(f.mode), Size: int64(len(f.data)), Typeflag: tar.TypeReg}
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

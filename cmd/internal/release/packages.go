package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"
)

// nfpmConfig is the part of nfpm's configuration that our packages need.
// Source: https://nfpm.goreleaser.com/configuration/
type nfpmConfig struct {
	Name          string        `yaml:"name"`
	Arch          string        `yaml:"arch"`
	Platform      string        `yaml:"platform"`
	Version       string        `yaml:"version"`
	VersionSchema string        `yaml:"version_schema"`
	Release       string        `yaml:"release"`
	Section       string        `yaml:"section"`
	Priority      string        `yaml:"priority"`
	Maintainer    string        `yaml:"maintainer"`
	Description   string        `yaml:"description"`
	Vendor        string        `yaml:"vendor"`
	Homepage      string        `yaml:"homepage"`
	License       string        `yaml:"license"`
	MTime         string        `yaml:"mtime"`
	RPM           nfpmRPM       `yaml:"rpm"`
	Contents      []nfpmContent `yaml:"contents"`
}

type nfpmRPM struct {
	BuildHost string `yaml:"buildhost"`
	Summary   string `yaml:"summary"`
}

type nfpmContent struct {
	Source      string   `yaml:"src,omitempty"`
	Destination string   `yaml:"dst"`
	Type        string   `yaml:"type,omitempty"`
	Info        nfpmInfo `yaml:"file_info"`
}

type nfpmInfo struct {
	Mode  os.FileMode `yaml:"mode"`
	MTime string      `yaml:"mtime"`
}

const (
	homepage   = "https://github.com/etcdctr/etcdctr"
	maintainer = "The etcdctr authors <etcdctr@users.noreply.github.com>"
	docs       = "/usr/share/doc/etcdctr"
	summary    = "Describe, build, start, prove and look after etcd clusters in containers"
)

// packers are the kinds of packages, with where each looks for zsh's completion.
var packers = []struct{ name, zsh string }{
	{"deb", "/usr/share/zsh/vendor-completions/_etcdctr"},
	{"rpm", "/usr/share/zsh/site-functions/_etcdctr"},
}

// packages makes those of every architecture of linux, with the program alone:
// etcd, etcdctl and etcdutl are names that other packages may have.
func (r *release) packages() error {
	for _, arch := range r.linux() {
		for _, packer := range packers {
			if err := r.pack(arch, packer.name, packer.zsh); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *release) pack(arch, packer, zsh string) error {
	folder, err := os.MkdirTemp("", "etcdctr-package-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	config, err := r.packageConfig(arch, folder, zsh)
	if err != nil {
		return err
	}
	text, err := yaml.Marshal(config)
	if err != nil {
		return err
	}
	path := filepath.Join(folder, "nfpm.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	_, err = output(r.nfpm, "package", "--config", path, "--packager", packer, "--target", r.out+"/")
	return err
}

// packageConfig writes the files of a package into a folder and says where they
// go.
func (r *release) packageConfig(arch, folder, zsh string) (*nfpmConfig, error) {
	files, err := r.contents(platform{"linux", arch})
	if err != nil {
		return nil, err
	}
	at := r.date.Format(time.RFC3339)
	c := &nfpmConfig{
		Name: "etcdctr", Arch: arch, Platform: "linux", Version: r.version, VersionSchema: "semver", Release: "1", Section: "admin",
		Priority: "optional", Maintainer: maintainer, Vendor: "etcdctr", Homepage: homepage, License: "Apache-2.0", MTime: at,
		Description: summary + "\nOne static program and no other: it carries etcd, etcdctl and etcdutl.",
		RPM:         nfpmRPM{BuildHost: "localhost", Summary: summary},
		Contents:    []nfpmContent{{Destination: docs, Type: "dir", Info: nfpmInfo{0o755, at}}}, // rpm removes only what it is told
	}
	for _, f := range files {
		to, data := installed(f, zsh)
		if to == "" {
			continue
		}
		from := filepath.Join(folder, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(from), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(from, data, 0o600); err != nil {
			return nil, err
		}
		c.Contents = append(c.Contents, nfpmContent{Source: from, Destination: to, Info: nfpmInfo{f.mode, at}})
	}
	return c, nil
}

// installed is where a file of the archive is in an installed system, and what it
// holds there; nowhere is "".
func installed(f file, zsh string) (to string, data []byte) {
	base := path.Base(f.name)
	switch {
	case f.name == "etcdctr":
		return "/usr/bin/etcdctr", f.data
	case base == "etcdctr.bash":
		return "/usr/share/bash-completion/completions/etcdctr", f.data
	case base == "_etcdctr":
		return zsh, f.data
	case base == "etcdctr.fish":
		return "/usr/share/fish/vendor_completions.d/etcdctr.fish", f.data
	case path.Ext(base) == ".1":
		return "/usr/share/man/man1/" + base + ".gz", compressed(f.data)
	case base == "LICENSE":
		return docs + "/copyright", f.data
	case path.Dir(f.name) == ".":
		return docs + "/" + base, f.data
	}
	return "", nil
}

func compressed(data []byte) []byte {
	var to bytes.Buffer
	zw, _ := gzip.NewWriterLevel(&to, gzip.BestCompression) // the level is a right one
	_, _ = zw.Write(data)                                   // memory takes it all
	_ = zw.Close()
	return to.Bytes()
}

package main

import (
	"debug/buildinfo"
	"fmt"
	"path/filepath"

	"github.com/etcdctr/etcdctr/internal/sbom"
)

// bills writes what the program of each platform is made of, and the etcd that
// it carries for images.
func (r *release) bills() error {
	for _, p := range r.platforms {
		doc, err := r.bill(p)
		if err != nil {
			return err
		}
		for ending, format := range map[string]func() ([]byte, error){".spdx.json": doc.SPDX, ".cdx.json": doc.CycloneDX} {
			text, err := format()
			if err != nil {
				return err
			}
			if err := r.write(r.archiveName(p)+ending, text); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *release) bill(p platform) (*sbom.Document, error) {
	doc := &sbom.Document{
		Name:      r.archiveName(p),
		Namespace: fmt.Sprintf("%s/spdx/%s/%s", homepage, r.version, p),
		Whole:     sbom.Component{Name: r.archiveFile(p), Version: r.version, PURL: "pkg:github/etcdctr/etcdctr@" + r.version},
	}
	for _, program := range []struct{ name, file string }{
		{"etcdctr", filepath.Join(r.dist, p.String(), p.program())},
		{"etcd", filepath.Join(r.dist, "linux-"+p.arch, "etcd")},
	} {
		info, err := buildinfo.ReadFile(program.file)
		if err != nil {
			return nil, err
		}
		doc.Programs = append(doc.Programs, sbom.Program{
			Component: sbom.Component{Name: program.name, Version: r.version, PURL: sbom.ModulePURL(info.Path, r.version)}, Go: info,
		})
	}
	return doc, nil
}

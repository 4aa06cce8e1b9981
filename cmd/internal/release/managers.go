package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

//go:embed formula.rb.tmpl
var formulaText string

var formula = template.Must(template.New("formula").Parse(formulaText))

// download is where a forge has the files of a release.
func (r *release) download(file string) string {
	return homepage + "/releases/download/" + r.version + "/" + file
}

// fetched is an archive as a package manager is told it.
type fetched struct{ URL, SHA256 string }

func (r *release) fetched(p platform) (fetched, error) {
	sum, err := r.sum(r.archiveFile(p))
	return fetched{r.download(r.archiveFile(p)), sum}, err
}

func (r *release) sum(name string) (string, error) {
	data, err := os.ReadFile(filepath.Join(r.out, name))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// managers writes what Homebrew and Scoop install by, of a release for all
// platforms.
func (r *release) managers() error {
	archives := map[string]fetched{}
	for _, p := range r.platforms {
		f, err := r.fetched(p)
		if err != nil {
			return err
		}
		archives[p.os+p.arch] = f
	}
	if err := r.formula(archives); err != nil {
		return err
	}
	return r.manifest(archives)
}

func (r *release) formula(archives map[string]fetched) error {
	var text bytes.Buffer
	err := formula.Execute(&text, map[string]any{"Summary": summary, "Homepage": homepage, "Number": r.number(), "Archives": archives})
	if err != nil {
		return err
	}
	return r.write("etcdctr.rb", text.Bytes())
}

// manifest is Scoop's.
// Source: https://github.com/ScoopInstaller/Scoop/wiki/App-Manifests
func (r *release) manifest(archives map[string]fetched) error {
	type archive struct {
		URL        string `json:"url"`
		Hash       string `json:"hash"`
		ExtractDir string `json:"extract_dir"`
	}
	architectures := map[string]archive{}
	for name, arch := range map[string]string{"64bit": "amd64", "arm64": "arm64"} {
		f, ok := archives["windows"+arch]
		if !ok {
			continue
		}
		architectures[name] = archive{f.URL, f.SHA256, r.archiveName(platform{"windows", arch})}
	}
	text, err := json.MarshalIndent(map[string]any{
		"version": r.number(), "description": summary, "homepage": homepage, "license": "Apache-2.0",
		"architecture": architectures, "bin": "etcdctr.exe", "checkver": "github",
	}, "", "    ")
	if err != nil {
		return err
	}
	return r.write("etcdctr.json", append(text, '\n'))
}

const sumsFile = "SHA256SUMS"

// sums writes the checksums of everything in the folder, in the form that
// `sha256sum --check` reads.
func (r *release) sums() error {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var lines []string
	for _, e := range entries {
		sum, err := r.sum(e.Name())
		if err != nil {
			return err
		}
		lines = append(lines, fmt.Sprintf("%s  %s\n", sum, e.Name()))
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[sha256.Size*2:], b[sha256.Size*2:]) })
	return r.write(sumsFile, []byte(strings.Join(lines, "")))
}

// Package sbom writes bills of materials: what something that is handed out is
// made of, by the build information of the Go programs in it.
//
// The same content gives the same document on any machine and at any hour.
package sbom

import (
	"path"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
)

// Document is a bill of materials before it is written in one format or another.
type Document struct {
	Name      string // of the document
	Namespace string // URL under which SPDX knows it, with something that tells it from all others
	Whole     Component
	Programs  []Program
}

// Component is one thing of which others are made.
type Component struct {
	Name    string
	Version string
	PURL    string // package URL
}

// Program is a Go program in the whole.
type Program struct {
	Component
	Go *debug.BuildInfo
}

// Module is the component that a Go module is.
func Module(path, version string) Component {
	return Component{path, version, ModulePURL(path, version)}
}

// ModulePURL is the package URL of a Go module.
func ModulePURL(module, version string) string { return "pkg:golang/" + module + "@" + version }

// made are the modules that a program is made of, Go's own first.
func (p Program) made() []Component {
	std := Component{"stdlib", p.Go.GoVersion, ModulePURL("stdlib", strings.TrimPrefix(p.Go.GoVersion, "go"))}
	all := []Component{std}
	for _, m := range p.Go.Deps {
		all = append(all, Module(m.Path, m.Version))
	}
	return all
}

// created is when every document is made: a date would make each a different one.
const created = "1970-01-01T00:00:00Z"

var notInID = regexp.MustCompile(`[^0-9A-Za-z.-]+`)

// id makes an identifier of what a component is in a document.
func id(kind string, c Component) string {
	return kind + "-" + notInID.ReplaceAllString(path.Join(c.Name, c.Version), "-")
}

// once appends what has no equal yet.
func once[T any](all []T, one T, same func(T) bool) []T {
	if slices.ContainsFunc(all, same) {
		return all
	}
	return append(all, one)
}

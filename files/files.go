// Package files writes a cluster as files that something else starts it by: a Compose
// file, a stack file of a swarm, a Procfile, systemd units, an archive for each machine.
//
// What package compose renders from a cluster alone is only half of each: a file names
// folders as they are found from where it will be, holds certificates that have to be
// there first, or is one machine's part. A Writer knows where all that is, and makes
// what is missing.
package files

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/internal/outfile"
	"github.com/etcdctr/etcdctr/runtime/docker"
)

// Writer writes the files of one cluster.
type Writer struct {
	// Described is the cluster as its Spec describes it: see etcdctr.Clusters.Describe.
	Described *etcdctr.Cluster
	// Folder is where it is described, and CertsDir has its certificates. Files name
	// both as they are found from here, so they are paths from the current folder.
	Folder, CertsDir string
}

// UnfitError is the error of a cluster that a file can't be of as it is asked for. Option
// is what stands in the way of that, empty where that is the cluster itself.
type UnfitError struct{ Option, Reason string }

func (e *UnfitError) Error() string {
	if e.Option == "" {
		return e.Reason
	}
	return e.Option + ": " + e.Reason
}

// Provide makes what members need besides the file: certificates, a place at a
// discovery service, what the services beside them read. What is there and fits stays.
func (w Writer) Provide(ctx context.Context, c *cluster.Cluster) error {
	if err := w.Described.Provide(ctx, c); err != nil {
		return err
	}
	return docker.WriteConfigs(c, w.Folder)
}

// Write writes files into a folder: all, or none. It is a *KeptError if one is there that
// was not made here.
func Write(dir string, files []compose.File) error {
	var all []outfile.File
	for _, f := range files {
		if err := keep(filepath.Join(dir, f.Name), inFolder(f.Name)); err != nil {
			return err
		}
		all = append(all, outfile.File(f))
	}
	if err := outfile.Folder(dir, 0o644, all...); err != nil {
		return fmt.Errorf("cannot write the files of %s: %w", dir, err)
	}
	return nil
}

// member is the cluster's part for one of its members.
func member(c *cluster.Cluster, name string) (*cluster.Cluster, error) {
	m, err := c.Member(name)
	if err != nil {
		return nil, err
	}
	return c.Only(m.Name), nil
}

// has tells whether the cluster has a member.
func has(c *cluster.Cluster, name string) bool {
	return slices.ContainsFunc(c.Members, func(m cluster.Member) bool { return m.Name == name })
}

// from gives a path as it is found from the folder of a file, with slashes and
// recognizable as a path; the current folder's for no file.
func from(file, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	if filepath.IsAbs(path) {
		return filepath.ToSlash(filepath.Clean(path)), nil
	}
	base, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return "", fmt.Errorf("cannot find the current folder: %w", err)
	}
	there, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("cannot find the current folder: %w", err)
	}
	rel, err := filepath.Rel(base, there)
	if err != nil {
		return filepath.ToSlash(there), nil // on another drive
	}
	rel = filepath.ToSlash(rel)
	if !strings.HasPrefix(rel, "../") {
		rel = "./" + rel
	}
	return rel, nil
}

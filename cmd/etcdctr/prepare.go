package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime/docker"
)

// described is the cluster of flags, to make what others need who start it.
func (a *app) described(f *clusterFlags, spec cluster.Spec, certsDir string) *etcdctr.Cluster {
	spec.CertsDir = certsDir
	return etcdctr.New(etcdctr.Options{Folder: f.dir(), Events: a.tell, Now: a.now, Random: a.random}).Describe(spec)
}

// prepare makes what a stack needs besides its Compose file: certificates, the
// DNS server's files, a place at a discovery service.
func (a *app) prepare(ctx context.Context, c *cluster.Cluster, f *clusterFlags) error {
	dir, err := f.certificates(a)
	if err != nil {
		return err
	}
	if err := a.described(f, c.Spec, dir).Provide(ctx, c); err != nil {
		return err
	}
	if c.DNS != nil && len(c.DNS.Addresses) > 0 {
		return writeDNSFiles(c, f.dnsDir(c))
	}
	return nil
}

func writeDNSFiles(c *cluster.Cluster, dir string) error {
	for name, data := range docker.DNSFiles(c) {
		if err := writeFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return fmt.Errorf("cannot write the DNS server's files: %w", err)
		}
	}
	return nil
}

package main

import (
	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/files"
)

// described is the cluster of flags, to make what others need who start it.
func (a *app) described(f *clusterFlags, spec cluster.Spec, certsDir string) *etcdctr.Cluster {
	spec.CertsDir = certsDir
	return etcdctr.New(etcdctr.Options{Folder: f.dir(), Events: a.tell, Now: a.now, Random: a.random}).Describe(spec)
}

// files writes the files of a cluster that flags describe.
func (a *app) files(f *clusterFlags, c *cluster.Cluster) (files.Writer, error) {
	dir, err := f.certificates(a)
	return files.Writer{Described: a.described(f, c.Spec, c.Spec.CertsDir), Folder: f.dir(), CertsDir: dir}, err
}

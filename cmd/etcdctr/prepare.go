package main

import (
	"context"

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
// files that its services read, a place at a discovery service.
func (a *app) prepare(ctx context.Context, c *cluster.Cluster, f *clusterFlags) error {
	if err := a.described(f, c.Spec, c.Spec.CertsDir).Provide(ctx, c); err != nil {
		return err
	}
	return docker.WriteConfigs(c, f.dir())
}

// Package etcdctr describes, starts, changes, reaches and stops etcd clusters,
// for Go programs and for the command of the same name, which does nothing that
// this package does not.
//
// Clusters are in a folder, with their certificates, and run on the runtimes
// that they are given:
//
//	clusters := etcdctr.New(etcdctr.Options{Folder: dir, Runtimes: []runtime.Runtime{…}})
//	c, err := clusters.Find(ctx, cluster.Spec{Name: "orders", Members: cluster.Count(3)})
//	result, err := c.Up(ctx, etcdctr.UpOptions{})
//	etcd, err := c.Client(ctx)
//
// Up makes the cluster what the Spec says, whether it is not there yet, runs as
// something else, or was left half-way; see package converge for how. Nothing
// here prints, exits, or reads the environment or the clock by itself.
package etcdctr

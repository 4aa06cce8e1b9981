// Package cluster says what an etcd cluster is, before anything runs.
//
// A Spec is what a user wrote: a file and some flags, mostly empty. Resolve
// turns it into a Cluster: every default decided, every member complete with
// its etcd settings, every impossible combination refused. Everything
// downstream (Compose files, certificates, environment files, health checks)
// renders a Cluster and decides nothing.
//
// The package is pure: it reads no clock, no network and no environment, and
// the same Spec always gives the same Cluster.
package cluster

// Package discovery keeps tokens at an etcd discovery service.
//
// A discovery service is any etcd cluster, and a token a name below
// /_etcd/registry in it: it exists once it has a size. Each member of a new
// cluster registers its peer URL there, waits until as many have registered as
// the size says, and takes all of them for its cluster.
//
// There are two protocols. Since 3.6 members speak v3, over gRPC with users and
// certificates. etcd 3.5 and 3.6 also speak v2, over HTTP, which etcd 3.5 still
// serves; New and NewV2 give the same Service for either.
package discovery

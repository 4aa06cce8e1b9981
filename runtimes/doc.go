// Package runtimes gives what runs clusters on this machine, ready for the package at
// the root, each with what it needs of this machine: its engine, found as the docker
// command finds it, its folders and its programs. Of a Spec whose members have machines
// of their own it gives these.
//
//	here, err := runtimes.Open(runtimes.Options{Folder: "/srv/orders"})
//	...
//	defer here.Close()
//	c, err := here.Clusters(etcdctr.Options{}).Find(ctx, spec)
//
// It is what the command line works with, and asks nobody by itself.
package runtimes

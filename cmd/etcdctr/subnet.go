package main

import (
	"context"
	"errors"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime/docker"
)

// placeOnEngine moves a cluster with fixed addresses to a subnet that the
// engine has free, unless the user chose one. A machine without an engine gets
// what the cluster's name gives: the file may be for another.
func (f *clusterFlags) placeOnEngine(spec cluster.Spec, c *cluster.Cluster) (*cluster.Cluster, error) {
	if len(c.Subnets) == 0 {
		return c, nil
	}
	ctx, cancel := context.WithTimeout(f.cmd.Context(), littlePatience)
	defer cancel()
	engine, err := connectEngine(ctx)
	if err != nil {
		return c, nil //nolint:nilerr // nobody there to collide with
	}
	defer engine.Close()
	placed, err := docker.New(docker.Options{Engine: engine}).Place(ctx, spec)
	if taken := (*docker.SubnetError)(nil); errors.As(err, &taken) {
		return c, usage(err)
	}
	if err != nil {
		return c, nil //nolint:nilerr // it is about the engine: spec was resolved before
	}
	return placed, nil
}

// littlePatience is for an engine that a command could do without: a remote one
// that is not there must not keep a command that writes a file.
const littlePatience = 3 * time.Second

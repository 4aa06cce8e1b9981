package docker

import (
	"context"
	"fmt"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// This file is what a cluster is spared, or told, where the engine is another than
// Docker's. What such engines lack stands in package stack.

// Caveat is runtime.Caveat.
const Caveat = runtime.Caveat

// engineMake asks once whose engine it is.
func (r *Runtime) engineMake(ctx context.Context) (stack.Make, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.made != nil {
		return *r.made, nil
	}
	m, err := stack.AskMake(ctx, r.engine)
	if err == nil {
		r.made = &m
	}
	return m, err
}

// placement is how members are placed on the engine; without one that answers, as
// on Docker's.
func (r *Runtime) placement(ctx context.Context) (cluster.Placement, error) {
	if r.answers(ctx) != nil {
		return cluster.InContainers, nil
	}
	m, err := r.engineMake(ctx)
	if err != nil {
		return nil, err
	}
	if m.Lacks(stack.NamesBesideServers) {
		return cluster.InKnownContainers, nil
	}
	return cluster.InContainers, nil
}

// checkNetworks refuses an engine whose networks are of no use.
func (r *Runtime) checkNetworks(ctx context.Context) error {
	if r.answers(ctx) != nil {
		return nil
	}
	m, err := r.engineMake(ctx)
	if err != nil {
		return err
	}
	return stack.CheckNetworks(ctx, r.engine, m)
}

// settle has a cluster ask for what the engine does in the place of what it does
// not.
func (r *Runtime) settle(ctx context.Context, c *cluster.Cluster) (*cluster.Cluster, error) {
	if r.answers(ctx) != nil {
		return c, nil
	}
	m, err := r.engineMake(ctx)
	if err == nil && m.Lacks(stack.AfterBoot) && c.Upkeep.Restart == "unless-stopped" {
		c.Upkeep.Restart = "always"
	}
	c.Upkeep.Health.NoStartInterval = m.Lacks(stack.StartIntervals)
	return c, err
}

// tellCaveats tells what is otherwise for a cluster than on Docker Engine.
func (r *Runtime) tellCaveats(ctx context.Context, want *cluster.Cluster) error {
	m, err := r.engineMake(ctx)
	if err != nil {
		return err
	}
	for _, text := range caveats(m, want) {
		r.tell(runtime.Event{Action: Caveat, Detail: text, Done: true})
	}
	return nil
}

func caveats(m stack.Make, want *cluster.Cluster) []string {
	var all []string
	if m.Lacks(stack.Masquerading) && want.Publish.Opens() {
		all = append(all, fmt.Sprintf("%s has no network that publishes ports and leads nowhere else: with publish: %s, members can reach other machines", m, want.Publish))
	}
	if m.Lacks(stack.AfterBoot) && want.Upkeep.Restart == "always" {
		all = append(all, fmt.Sprintf("%s starts containers with the machine only where podman-restart.service is enabled", m))
	}
	return all
}

// Filtered is runtime.Filterer.
func (r *Runtime) Filtered(ctx context.Context) (devices string, err error) {
	m, err := r.engineMake(ctx)
	if err != nil {
		return "", err
	}
	return stack.Filtered(ctx, r.engine, m)
}

// checkHealth runs a container's health check, where the engine does not by itself;
// nil where it does.
func (r *Runtime) checkHealth(m stack.Make) func(ctx context.Context, container string) error {
	if !m.Lacks(stack.Timers) {
		return nil
	}
	return func(ctx context.Context, container string) error { return stack.CheckHealth(ctx, r.engine, container) }
}

// bridge gives the device that a network is; nil for Docker's.
func (r *Runtime) bridge(m stack.Make) func(context.Context, stack.Network) (string, error) {
	if m.Name != stack.Podman {
		return nil
	}
	return func(ctx context.Context, n stack.Network) (string, error) {
		return stack.PodmanBridge(ctx, r.engine, n.Name)
	}
}

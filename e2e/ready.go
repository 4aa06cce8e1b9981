package e2e

import (
	"context"
	"fmt"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/member"
)

// readyTimeout is how long a cluster may take from the start of its containers
// until every member answers. It is testcontainers' own default for a
// container.
const readyTimeout = time.Minute

// connect waits until every member answers, and makes the cluster's client.
func (c *Cluster) connect(ctx context.Context) error {
	if err := c.Ready(ctx); err != nil {
		return err
	}
	config, err := c.Config()
	if err != nil {
		return err
	}
	config.Logger = zap.NewNop() // in a test that stops members, retries are no news
	c.Client, err = clientv3.New(config)
	return err
}

// Ready waits until every member has answered a linearizable read: each of them
// knows a leader that a majority follows. They have to be one cluster.
func (c *Cluster) Ready(ctx context.Context) error { return c.ready(ctx, c.Members) }

// Ready waits until the member has answered a linearizable read.
func (m *Member) Ready(ctx context.Context) error { return m.cluster.ready(ctx, []*Member{m}) }

// ready waits for members, and gives up on one whose container has ended.
func (c *Cluster) ready(ctx context.Context, all []*Member) error {
	c.seek(ctx, all[0].port)
	members, err := c.ask()
	if err != nil {
		return err
	}
	defer members.Close()
	var names []string
	for _, m := range all {
		names = append(names, m.Name)
	}
	waiting, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	for _, m := range all {
		go m.watch(waiting, giveUp)
	}
	if err := members.WaitServing(waiting, names...); err != nil {
		if ended := context.Cause(waiting); ctx.Err() == nil && ended != nil {
			return ended
		}
		return &unreachedError{err: err, at: dialled(all), said: saidHost(), inside: c.serveInside(ctx, all)}
	}
	return c.one(ctx, members, all)
}

// dialled are the addresses of members, as the test's process reaches them.
func dialled(all []*Member) string {
	var urls []string
	for _, m := range all {
		urls = append(urls, m.Endpoint())
	}
	return strings.Join(urls, ", ")
}

// glance is how often a container is looked at while its member is waited for.
const glance = 300 * time.Millisecond

// watch gives up once the member's container does not run any more.
func (m *Member) watch(ctx context.Context, giveUp context.CancelCauseFunc) {
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := m.running(ctx); err != nil && ctx.Err() == nil {
			giveUp(named(m.Name, err))
			return
		}
	}
}

// one makes sure that members that serve are of one cluster.
func (c *Cluster) one(ctx context.Context, members *member.Client, all []*Member) error {
	if len(all) == 1 {
		return nil
	}
	view, err := members.Look(ctx)
	if err != nil {
		return err
	}
	var first member.Endpoint
	for _, e := range view.Endpoints {
		switch {
		case !e.Answers():
		case first.Name == "":
			first = e
		case e.Cluster != first.Cluster:
			return fmt.Errorf("%s is in another cluster (%s) than %s (%s)", e.Name, e.Cluster, first.Name, first.Cluster)
		}
	}
	return nil
}

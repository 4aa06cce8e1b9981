package e2e

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go/log"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	driver "github.com/etcdctr/etcdctr/stack"
)

// cleanUpTimeout bounds the removal of a test's cluster.
const cleanUpTimeout = time.Minute

// Start gives a running cluster that is removed when the test ends, unless it
// is shared: see WithReuseByName. A cluster that does not start fails the test. When the test has failed, for whatever
// reason, the members' logs go to its log.
func Start(tb testing.TB, opts ...Option) *Cluster {
	tb.Helper()
	c, err := Run(tb.Context(), append([]Option{WithLogger(log.TestLogger(tb))}, opts...)...)
	unreached := (*unreachedError)(nil)
	serves := errors.As(err, &unreached) && unreached.inside // so that their logs tell nothing of why
	tb.Cleanup(func() { cleanUp(tb, c, serves) })
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// cleanUp runs when the test's own context has ended already.
func cleanUp(tb testing.TB, c *Cluster, silent bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), cleanUpTimeout)
	defer cancel()
	if tb.Failed() && !silent {
		showLogs(ctx, tb, c)
	}
	end := c.Terminate
	if c != nil && c.kept {
		end = c.leave
	}
	if err := end(ctx); err != nil {
		tb.Error(err)
	}
}

func showLogs(ctx context.Context, tb testing.TB, c *Cluster) {
	tb.Helper()
	if c == nil {
		return
	}
	for _, b := range c.boxes() {
		text, err := b.logs(ctx)
		if err != nil {
			text = err.Error()
		}
		tb.Logf("the log of %s:\n%s", b.service.Name, tail(text))
	}
}

// tail gives the last hundred lines, which tell how it ended.
func tail(text string) string {
	const most = 100
	lines := slices.Collect(strings.Lines(text))
	return strings.Join(lines[max(0, len(lines)-most):], "")
}

// Run gives a running cluster, which the caller has to Terminate, also after
// an error: a start that failed hands back what it had made. A mistake in the
// spec is reported as cluster.Resolve reports it.
func Run(ctx context.Context, opts ...Option) (*Cluster, error) {
	c, err := runOnce(ctx, opts...)
	if err == nil || !c.unseen(ctx, err) {
		return c, err
	}
	if err := c.Terminate(ctx); err != nil {
		return c, err
	}
	return runOnce(ctx, append(slices.Clone(opts), func(o *options) { o.copies = true })...)
}

func runOnce(ctx context.Context, opts ...Option) (*Cluster, error) {
	if o := optionsOf(opts...); o.reuse != "" {
		return runShared(ctx, o)
	}
	const attempts = 5 // of finding a subnet that nobody has
	for range attempts - 1 {
		c, err := attempt(ctx, optionsOf(opts...))
		if err == nil || !subnetTaken(err) {
			return c, err
		}
		if err := c.Terminate(ctx); err != nil {
			return c, err
		}
	}
	return attempt(ctx, optionsOf(opts...))
}

// unseen reports whether a start has failed because the engine, which is this machine's,
// mounts nothing of the cluster's folder: one that was installed as a snap has temporary
// files of its own, and makes up empty folders.
func (c *Cluster) unseen(ctx context.Context, err error) bool {
	if c == nil || !c.sees || c.dir == "" || ctx.Err() != nil {
		return false
	}
	if strings.Contains(err.Error(), c.dir) {
		return true
	}
	b := c.Members[0].box
	if c.model.TLS != cluster.Mutual || b.container == nil {
		return false
	}
	file := path.Join(cluster.ContainerCertsDir, "server", certs.CAFile)
	_, err = c.engine().ContainerStatPath(ctx, b.container.ID, client.ContainerStatPathOptions{Path: file})
	return errdefs.IsNotFound(err)
}

func attempt(ctx context.Context, o *options) (*Cluster, error) {
	c, err := prepare(ctx, o)
	if err != nil {
		return c, fmt.Errorf("cannot prepare an etcd cluster: %w", err)
	}
	if err := c.start(ctx); err != nil {
		if why := driver.CheckNetworks(ctx, c.engine(), c.make); errors.Is(why, driver.ErrCNI) { // which takes Podman too long to be asked before
			err = errors.Join(why, err)
		}
		return c, fmt.Errorf("cannot start the etcd cluster %s: %w", c.Name, err)
	}
	return c, nil
}

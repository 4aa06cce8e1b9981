package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/lockfile"
)

// WithReuseByName takes the cluster of that name if the engine has it, and
// makes it under that name if not, as testcontainers' option of the same name
// does with one container. The tests of several packages can share a cluster
// like that, and what one has written, others find.
//
// Such a cluster stays when a test ends, and members that were stopped, killed
// or paused run again for the next. With the reaper on, it is removed when the
// session is over that made it; without, by Cluster.Terminate, which takes it
// from everybody. Its certificates are in the user's cache directory, so
// that it belongs to one user of one machine.
func WithReuseByName(name string) Option {
	return func(o *options) { o.reuse = name }
}

// descriptionName is the file, beside a cluster's others, that says what was
// asked for when it was made.
const descriptionName = "cluster.json"

// runShared runs a cluster that is there for whoever asks for it by its name.
// One at a time looks for it, and makes it.
func runShared(ctx context.Context, o *options) (*Cluster, error) {
	c, err := describe(ctx, o)
	if err != nil {
		return c, err
	}
	dir, err := sharedDir(c.Name)
	if err != nil {
		return c, err
	}
	release, err := lockfile.Acquire(ctx, dir)
	if err != nil {
		return c, err
	}
	defer release()
	c.dir = dir
	return c.share(ctx)
}

func sharedDir(name string) (string, error) {
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "etcdctr", "e2e", name), err
}

// share gives the cluster with that name, which is handed back after an error
// only if it was made just now.
func (c *Cluster) share(ctx context.Context) (*Cluster, error) {
	spec := c.options.spec
	spec.Name = "" // which is not what it is called
	description, err := json.Marshal(struct {
		Spec     cluster.Spec
		Networks []string
	}{spec, c.options.networks})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(c.dir, descriptionName)
	before, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := c.plan(ctx); err != nil {
		return nil, err
	}
	if err := c.furnish(ctx); err != nil {
		return nil, err
	}
	found, err := c.adopt(ctx)
	switch {
	case err != nil:
		return nil, err
	case found > 0 && before == nil:
		return nil, fmt.Errorf("the engine has a cluster %s that this user did not make: choose another name", c.Name)
	case found > 0 && !bytes.Equal(before, description):
		return nil, fmt.Errorf("the cluster %s is there, and is another one than asked for: choose another name, or Terminate it first", c.Name)
	case found == len(c.boxes()):
		c.kept = true
		return c, c.resume(ctx)
	}
	return c, c.makeShared(ctx, file, description)
}

// makeShared makes the cluster, in the place of what an interrupted run may
// have left of it.
func (c *Cluster) makeShared(ctx context.Context, file string, description []byte) error {
	if err := c.removeFromEngine(ctx); err != nil {
		return err
	}
	if err := os.WriteFile(file, description, 0o600); err != nil {
		return err
	}
	err := c.start(ctx)
	c.kept = err == nil
	return err
}

// adopt takes the containers that the engine has of the cluster, and tells how
// many they are.
func (c *Cluster) adopt(ctx context.Context) (int, error) {
	found := 0
	for _, b := range c.boxes() {
		translated, err := c.wanted().Translate(b.service)
		if err != nil {
			return found, err
		}
		list, err := c.engine().ContainerList(ctx, client.ContainerListOptions{
			All: true, Filters: make(client.Filters).Add("name", "^/?"+regexp.QuoteMeta(translated.Name)+"$"),
		})
		if err != nil {
			return found, err
		}
		if len(list.Items) == 0 {
			continue
		}
		found++
		if b.container, err = c.provider.ContainerFromType(ctx, list.Items[0]); err != nil {
			return found, err
		}
	}
	return found, nil
}

// resume has all members run, whatever was done to them before.
func (c *Cluster) resume(ctx context.Context) error {
	if err := c.callReaper(ctx); err != nil {
		return err
	}
	if err := c.each(ctx, (*Member).resume); err != nil {
		return err
	}
	return c.connect(ctx)
}

func (m *Member) resume(ctx context.Context) error {
	inspected, err := m.container.Inspect(ctx)
	if err != nil {
		return err
	}
	port, _ := network.PortFrom(cluster.ClientPort, network.TCP)
	bindings := inspected.HostConfig.PortBindings[port]
	if len(bindings) == 0 {
		return errors.New("the container publishes no port")
	}
	m.publishAt(bindings[0].HostPort)
	switch inspected.State.Status {
	case container.StateRunning:
		return nil
	case container.StatePaused:
		return m.Unpause(ctx)
	}
	return m.Start(ctx)
}

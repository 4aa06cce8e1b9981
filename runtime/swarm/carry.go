package swarm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/swarm"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime/swarm/carrier"
	"github.com/etcdctr/etcdctr/stack"
)

// This file moves data to and from volumes, whichever node they are on: through a job
// there, and a relay here, which meet on the members' network.

// carrierProgram is in this program's image, see package carrier.
const carrierProgram = "/usr/local/bin/carrier"

// load is what is moved.
type load struct {
	cluster string
	network string // its ID
	server  string
	place   place
	host    string // the node's
	dir     string // of the data in the volume
	owner   owner
}

// owner is a user and a group by their numbers.
type owner struct{ uid, gid int }

// ownerOf is whom the members of a cluster run as, and so has to own their data.
func (r *Runtime) ownerOf(ctx context.Context, want *cluster.Cluster) (owner, error) {
	if want.TLS == cluster.Mutual {
		return owner{}, nil // see container
	}
	image, err := r.engine.ImageInspect(ctx, want.Image)
	if err != nil {
		return owner{}, fmt.Errorf("ask the image %s for its user: %w", want.Image, err)
	}
	if image.Config == nil || image.Config.User == "" {
		return owner{}, nil
	}
	user, group, both := strings.Cut(image.Config.User, ":")
	if !both {
		group = user
	}
	uid, errUser := strconv.Atoi(user)
	gid, errGroup := strconv.Atoi(group)
	if errUser != nil || errGroup != nil {
		return owner{}, fmt.Errorf("the image %s runs as %q, which is no number: whose the data is to be is not known on another node", want.Image, image.Config.User)
	}
	return owner{uid, gid}, nil
}

// carry has a carrier serve a volume, and asks it.
func (r *Runtime) carry(ctx context.Context, l load, ask func(context.Context, *carrier.Client) error) error {
	image, err := r.ownImage(ctx)
	if err != nil {
		return err
	}
	pass, err := carrier.NewPass()
	if err != nil {
		return err
	}
	return r.with(ctx, job{
		cluster: l.cluster, what: "carry", node: l.place.node, image: image, volume: l.place.volume, network: l.network,
		command: []string{carrierProgram, l.dir, strconv.Itoa(l.owner.uid), strconv.Itoa(l.owner.gid)}, gives: true,
		env: []string{carrier.Variable + "=" + pass.String()},
	}, func(service string) error {
		address, err := r.address(ctx, l, service)
		if err != nil {
			return err
		}
		t, err := stack.OpenRelay(ctx, r.engine, networkName(l.cluster), l.network, stack.TunnelOptions{
			Project: l.cluster, Network: compose.ClusterNetwork, RelayImage: r.o.OwnImage, RelayCommand: r.o.Relay, SeesFiles: r.seesFiles,
		})
		if err != nil {
			return err
		}
		err = ask(ctx, carrier.NewClient(pass, func(ctx context.Context) (net.Conn, error) { return patiently(ctx, t, address) }))
		return errors.Join(err, t.Close())
	})
}

func (r *Runtime) ownImage(ctx context.Context) (string, error) {
	if r.o.OwnImage == nil {
		return "", errors.New("there is no image of this program to move data with")
	}
	return r.o.OwnImage(ctx)
}

// address waits until a job's task runs, and gives where it listens.
func (r *Runtime) address(ctx context.Context, l load, service string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, jobTime, errWaited)
	defer cancel()
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	last := ""
	for {
		list, err := r.engine.TaskList(ctx, client.TaskListOptions{Filters: make(client.Filters).Add("service", service)})
		if err != nil && ctx.Err() == nil {
			return "", fmt.Errorf("wait for a job: %w", unavailable(err))
		}
		for _, t := range list.Items {
			last = word(t)
			switch {
			case t.Status.State == swarm.TaskStateRunning && on(t, l.network) != "":
				return net.JoinHostPort(on(t, l.network), strconv.Itoa(carrier.Port)), nil
			case t.Status.State == swarm.TaskStateRejected, t.Status.State == swarm.TaskStateFailed:
				return "", &ImageError{compose.OwnImage, l.host, last}
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errWaited) {
				return "", fmt.Errorf("nothing starts on the node %s to move the data of %s: %s", l.host, l.server, last)
			}
			return "", ctx.Err()
		}
	}
}

// on is a task's address on a network.
func on(t swarm.Task, network string) string {
	for _, a := range t.NetworksAttachments {
		if a.Network.ID == network && len(a.Addresses) > 0 {
			return a.Addresses[0].Addr().String()
		}
	}
	return ""
}

// patiently dials a carrier, which may take a moment until it listens, as its node does
// until it is reached.
func patiently(ctx context.Context, t *stack.Tunnel, address string) (net.Conn, error) {
	const most = 100
	for attempt := 1; ; attempt++ {
		conn, err := t.DialContext(ctx, "tcp", address)
		if err == nil || attempt == most || ctx.Err() != nil {
			return conn, err
		}
		select {
		case <-time.After(glance):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// put puts an archive into the data directory of an empty volume.
func (r *Runtime) put(ctx context.Context, l load, files io.Reader) error {
	return r.carry(ctx, l, func(ctx context.Context, c *carrier.Client) error { return c.Put(ctx, files) })
}

// get gives what is in a data directory.
func (r *Runtime) get(ctx context.Context, l load) io.ReadCloser {
	out, in := io.Pipe()
	go func() {
		in.CloseWithError(r.carry(ctx, l, func(ctx context.Context, c *carrier.Client) error {
			data, err := c.Get(ctx)
			if err != nil {
				return err
			}
			_, err = io.Copy(in, data)
			return errors.Join(err, data.Close())
		}))
	}()
	return out
}

package stack

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/stack/relay"
)

type relayEngine interface {
	ContainerCreate(context.Context, client.ContainerCreateOptions) (client.ContainerCreateResult, error)
	ContainerAttach(ctx context.Context, container string, o client.ContainerAttachOptions) (client.ContainerAttachResult, error)
	ContainerStart(ctx context.Context, container string, o client.ContainerStartOptions) (client.ContainerStartResult, error)
	ContainerRemove(ctx context.Context, container string, o client.ContainerRemoveOptions) (client.ContainerRemoveResult, error)
}

const (
	// Relay is the role of a tunnel's container.
	Relay = "relay"

	// relayUser is nobody in particular: the number that distroless images use
	// for their non-root user.
	relayUser = "65532:65532"

	// orphanAge is how long a relay may take from its creation to its start.
	orphanAge = time.Minute

	// goodbye is how long the engine may take to remove a relay. It is asked
	// to even if the context that the tunnel was opened with is done.
	goodbye = 10 * time.Second
)

// openRelay puts a container on the network and talks to it through its
// standard streams. The engine closes the container's standard input when the
// attached connection ends, also when this process is killed; the relay then
// ends, and the engine removes it.
func openRelay(ctx context.Context, e TunnelEngine, n Network, o TunnelOptions) (*Tunnel, error) {
	image, err := o.RelayImage(ctx)
	if err != nil {
		return nil, err
	}
	if err := sweepRelays(ctx, e, o.Project); err != nil {
		return nil, err
	}
	r := RelayOptions{Project: o.Project, Network: n.ID, Image: image, Command: o.RelayCommand}
	sees := false
	if o.SeesFiles != nil {
		if sees, err = o.SeesFiles(ctx); err != nil {
			return nil, err
		}
	}
	if sees {
		if t, err := runHand(ctx, e, r); err == nil {
			return t, nil
		} // an engine may see other folders, and not that of temporary files
	}
	t, _, err := runRelay(ctx, e, r)
	if err != nil {
		return nil, fmt.Errorf("a relay on %s: %w", n.Name, err)
	}
	return t, nil
}

// handFolder is where a relay finds the folder that connections are handed over by.
const handFolder = "/run/etcdctr-relay"

// runHand gives a relay that hands connections over, if something there does not keep it
// from it, as SELinux may. Its folder is needed until the relay answers.
func runHand(ctx context.Context, e relayEngine, o RelayOptions) (*Tunnel, error) {
	f, err := relay.NewFolder()
	if err != nil {
		return nil, err
	}
	o.hand, o.Command = f, append(slices.Clone(o.Command), handFolder)
	t, _, err := runRelay(ctx, e, o)
	if err = errors.Join(err, f.Remove()); err != nil && t != nil {
		err = errors.Join(err, t.Close())
	}
	return t, err
}

// RelayOptions say where a relay stands.
type RelayOptions struct {
	Project string // that it is counted to
	Network string // as a container's network mode: container:ID for that of another one
	Image   string
	Command []string // see TunnelOptions

	hand *relay.Folder // nil where all is carried
}

// Stand is a relay, which dials from where it stands.
type Stand struct {
	*Tunnel
	Address netip.Addr // its own, not valid where it stands in another's place
}

// OpenStand puts a relay somewhere on an engine. Whoever opens it closes it.
func OpenStand(ctx context.Context, e Engine, relays TunnelEngine, o RelayOptions) (*Stand, error) {
	t, id, err := runRelay(ctx, relays, o)
	if err != nil {
		return nil, err
	}
	in, err := e.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	s := &Stand{Tunnel: t}
	if in.Container.NetworkSettings == nil {
		return s, nil
	}
	for _, n := range in.Container.NetworkSettings.Networks {
		if n.IPAddress.IsValid() {
			s.Address = n.IPAddress
		}
	}
	return s, nil
}

// runRelay gives a relay that answers, and its container.
func runRelay(ctx context.Context, e relayEngine, o RelayOptions) (*Tunnel, string, error) {
	created, err := createRelay(ctx, e, relayContainer(o))
	if err != nil {
		return nil, "", fmt.Errorf("create it: %w", err)
	}
	remove := func() error { return removeRelay(e, created.ID) }
	c, err := startRelay(ctx, e, created.ID)
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("start it: %w", err), remove())
	}
	if o.hand != nil {
		_ = c.Take(o.hand) // or all is carried
	}
	return &Tunnel{
		Route: Relayed, dial: c.DialContext, done: c.Done(),
		// In this order: once the relay has ended by itself, the engine only
		// says that it is being removed, and not when it is gone.
		close: func() error { return errors.Join(remove(), c.Close()) },
	}, created.ID, nil
}

// createRelay is not interrupted: the engine would make the container all the
// same, and nobody would know it.
func createRelay(ctx context.Context, e relayEngine, o client.ContainerCreateOptions) (client.ContainerCreateResult, error) {
	if err := ctx.Err(); err != nil {
		return client.ContainerCreateResult{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), orphanAge)
	defer cancel()
	return e.ContainerCreate(ctx, o)
}

// relayContainer is a container that may do nothing but dial on one network. It
// is labelled as one that `docker compose run` made: Compose leaves it alone
// and counts it to the project.
func relayContainer(o RelayOptions) client.ContainerCreateOptions {
	const most = 256 // threads and processes
	limit, atOnce := int64(most), 0
	return client.ContainerCreateOptions{
		Name: fmt.Sprintf("%s-relay-%s", o.Project, strings.ToLower(rand.Text()[:8])),
		Config: &container.Config{
			Image: o.Image, Entrypoint: o.Command[:1], Cmd: o.Command[1:], User: relayUser,
			StopTimeout: &atOnce, // where removing a container asks it to end before
			OpenStdin:   true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true,
			Labels: map[string]string{
				projectLabel: o.Project, serviceLabel: Relay, oneoffLabel: "True", RoleLabel: Relay,
			},
		},
		HostConfig: &container.HostConfig{
			NetworkMode: container.NetworkMode(o.Network), AutoRemove: true,
			// Its output is other people's data and must not be written to disk.
			LogConfig:      container.LogConfig{Type: "none"},
			ReadonlyRootfs: true, CapDrop: []string{"ALL"}, SecurityOpt: []string{"no-new-privileges"},
			Resources: container.Resources{PidsLimit: &limit},
			Mounts:    o.mounts(),
		},
	}
}

func (o RelayOptions) mounts() []mount.Mount {
	if o.hand == nil {
		return nil
	}
	return []mount.Mount{{Type: mount.TypeBind, Source: o.hand.Shared(), Target: handFolder}}
}

// startRelay attaches first, so that nothing that the relay says is missed.
func startRelay(ctx context.Context, e relayEngine, id string) (*relay.Client, error) {
	attached, err := e.ContainerAttach(ctx, id, client.ContainerAttachOptions{
		Stream: true, Stdin: true, Stdout: true, Stderr: true,
	})
	if err != nil {
		return nil, err
	}
	if _, err := e.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
		attached.Close()
		return nil, err
	}
	s := newAttachedStream(attached.HijackedResponse)
	c, err := relay.NewClient(ctx, s)
	if err != nil {
		_ = s.Close() // said already that it does not work
		return nil, errors.Join(err, s.said())
	}
	return c, nil
}

func removeRelay(e relayEngine, id string) error {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	_, err := e.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if errdefs.IsNotFound(err) || errdefs.IsConflict(err) { // removed, or about to be: it removes itself
		return nil
	}
	return err
}

// sweepRelays removes relays that were created and never started, because
// whoever created them was killed in between.
func sweepRelays(ctx context.Context, e TunnelEngine, project string) error {
	s, err := Observe(ctx, e, project)
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range s.Containers {
		if c.Labels[RoleLabel] == Relay && !c.Running() && time.Since(c.Created) > orphanAge {
			errs = append(errs, removeRelay(e, c.ID))
		}
	}
	return errors.Join(errs...)
}

// attachedStream is a container's standard input and output as one stream. What the
// container writes is taken apart as it is read: each goroutine that it went through would
// have to be woken for it.
type attachedStream struct {
	conn   net.Conn
	output io.Reader // in frames of the engine's
	left   int64     // of a frame of standard output
	stderr limitedBuffer
}

func newAttachedStream(h client.HijackedResponse) *attachedStream {
	return &attachedStream{conn: h.Conn, output: h.Reader}
}

// Read gives standard output. It is for one goroutine.
func (s *attachedStream) Read(p []byte) (int, error) {
	for s.left == 0 {
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	n, err := s.output.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	return n, err
}

// next begins a frame: which stream it is of, three bytes of nothing, and its length. Source:
// the Engine API's "Attach to a container", stream format.
func (s *attachedStream) next() error {
	var head [8]byte
	if _, err := io.ReadFull(s.output, head[:]); err != nil {
		return err
	}
	size := int64(binary.BigEndian.Uint32(head[4:]))
	switch stdcopy.StdType(head[0]) {
	case stdcopy.Stdout:
		s.left = size
		return nil
	case stdcopy.Stderr:
		_, err := io.CopyN(&s.stderr, s.output, size)
		return err
	}
	text, err := io.ReadAll(io.LimitReader(s.output, size))
	return errors.Join(fmt.Errorf("the engine's connection to it failed: %q", text), err)
}

func (s *attachedStream) Write(p []byte) (int, error) { return s.conn.Write(p) }

func (s *attachedStream) Close() error { return s.conn.Close() }

// said is what the container complained about.
func (s *attachedStream) said() error {
	if text := strings.TrimSpace(s.stderr.String()); text != "" {
		return errors.New(text)
	}
	return nil
}

// limitedBuffer keeps the beginning of what is written.
type limitedBuffer struct {
	mu   sync.Mutex
	text []byte
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	const most = 4 << 10
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p[:min(len(p), most-len(b.text))]...)
	return len(p), nil
}

func (b *limitedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}

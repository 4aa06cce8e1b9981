package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/etcdctr/etcdctr/cluster"
)

// Member is one member of a running cluster. What its methods do to it is done
// when they return, but for the cluster's reaction: see Ready.
type Member struct {
	Name string

	box
	model     cluster.Member
	port      string // on the engine's machine
	unplugged map[string]*network.EndpointSettings
}

// Endpoint is where this process reaches the member.
func (m *Member) Endpoint() string {
	return m.scheme() + "://" + net.JoinHostPort(m.cluster.at(), m.port)
}

// ContainerEndpoint is where containers on the member's networks reach it.
func (m *Member) ContainerEndpoint() string {
	return m.scheme() + "://" + net.JoinHostPort(fmt.Sprintf("%s-%s-1", m.cluster.Name, m.Name), strconv.Itoa(cluster.ClientPort))
}

func (m *Member) scheme() string {
	scheme, _, _ := strings.Cut(m.model.ClientURL(), "://")
	return scheme
}

// Container is the member's container, for what testcontainers can do with it.
// Replace gives the member another one.
func (m *Member) Container() testcontainers.Container { return m.container }

// Stop has the member shut down in an orderly way, which passes leadership on.
func (m *Member) Stop(ctx context.Context) error { return m.container.Stop(ctx, nil) }

// Start starts a member that was stopped or killed. It finds its data again,
// unless the spec keeps data in memory.
func (m *Member) Start(ctx context.Context) error { return m.container.Start(ctx) }

// Kill ends the member's process with SIGKILL.
func (m *Member) Kill(ctx context.Context) error {
	_, err := m.cluster.engine().ContainerKill(ctx, m.container.ID, client.ContainerKillOptions{Signal: "SIGKILL"})
	return err
}

// Pause freezes the member's process. Its connections stay open and answer
// nothing.
func (m *Member) Pause(ctx context.Context) error {
	_, err := m.cluster.engine().ContainerPause(ctx, m.container.ID, client.ContainerPauseOptions{})
	return err
}

// Unpause lets a paused member go on.
func (m *Member) Unpause(ctx context.Context) error {
	_, err := m.cluster.engine().ContainerUnpause(ctx, m.container.ID, client.ContainerUnpauseOptions{})
	return err
}

// Disconnect takes the member off all of its networks: it runs on, and neither
// members nor clients reach it.
func (m *Member) Disconnect(ctx context.Context) error {
	inspected, err := m.container.Inspect(ctx)
	if err != nil {
		return err
	}
	if m.unplugged == nil {
		m.unplugged = map[string]*network.EndpointSettings{}
	}
	for name, settings := range inspected.NetworkSettings.Networks {
		_, err := m.cluster.engine().NetworkDisconnect(ctx, name, client.NetworkDisconnectOptions{Container: m.container.ID})
		if err != nil {
			return err
		}
		m.unplugged[name] = &network.EndpointSettings{Aliases: settings.Aliases, IPAMConfig: settings.IPAMConfig}
		if m.model.Place.Known && settings.IPAMConfig == nil { // Podman does not tell what it was asked for
			m.unplugged[name].IPAMConfig = &network.EndpointIPAMConfig{IPv4Address: settings.IPAddress}
		}
	}
	return nil
}

// Reconnect undoes Disconnect.
func (m *Member) Reconnect(ctx context.Context) error {
	for name, settings := range m.unplugged {
		_, err := m.cluster.engine().NetworkConnect(ctx, name, client.NetworkConnectOptions{Container: m.container.ID, EndpointConfig: settings})
		if err != nil {
			return err
		}
		delete(m.unplugged, name)
	}
	return nil
}

// Logs is all that the member has written so far.
func (m *Member) Logs(ctx context.Context) (string, error) { return m.logs(ctx) }

// place gives the member a port, and its service the one thing that the Compose
// file does not know: which one it is.
func (m *Member) place() { m.publishAt(strconv.Itoa(randomPort())) }

func (m *Member) publishAt(port string) {
	m.port = port
	m.service.Ports = []types.ServicePortConfig{{
		HostIP: m.cluster.publishAddress(), Published: m.port, Target: uint32(cluster.ClientPort), Protocol: "tcp",
	}}
}

// joining is a member's environment for its start in a cluster that runs.
func joining(env types.MappingWithEquals, initialCluster string) types.MappingWithEquals {
	joined, existing := types.MappingWithEquals{}, "existing"
	for name, value := range env {
		if !strings.HasPrefix(name, "ETCD_DISCOVERY") {
			joined[name] = value
		}
	}
	joined["ETCD_INITIAL_CLUSTER"], joined["ETCD_INITIAL_CLUSTER_STATE"] = &initialCluster, &existing
	return joined
}

// randomPort is one below those that Linux gives out by itself, from 32768,
// so that only another fixture or a server of the machine can have it.
func randomPort() int {
	const first, last = 20000, 29999
	return first + rand.IntN(last-first+1)
}

// portAttempts is how often a member tries another port.
const portAttempts = 10

// firstStart starts the member, on another port when its own is taken. A port
// that the engine chooses would be another one after each restart, and clients
// would lose the member.
func (m *Member) firstStart(ctx context.Context) error {
	for range portAttempts {
		err := m.start(ctx)
		if err == nil || !portTaken(err) {
			return err
		}
		m.place()
		if err := errors.Join(m.remove(ctx), m.create(ctx)); err != nil {
			return err
		}
	}
	return fmt.Errorf("found no free port from 20000 to 29999 on %s after %d attempts", m.cluster.host, portAttempts)
}

// portTaken recognizes what the engine says when it or somebody else on its
// machine has the port. The API has no code for that.
func portTaken(err error) bool {
	return strings.Contains(err.Error(), "port is already allocated") || strings.Contains(err.Error(), "address already in use")
}

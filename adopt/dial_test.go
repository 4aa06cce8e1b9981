package adopt

import (
	"net"
	"net/netip"
	"testing"

	"github.com/moby/moby/api/types/network"
)

// engineAt is an engine at some place, with one container.
type engineAt struct {
	oneContainer
	at string
}

func (e engineAt) DaemonHost() string { return e.at }

// What is published leads to a container of an engine on this machine, whose own addresses may
// lead nowhere; of any other engine it is somebody else's port.
func TestAContainerIsReachedAtWhatItPublishesOnThisMachine(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{"", "0.0.0.0", "127.0.0.1"} {
		binding := network.PortBinding{HostPort: port}
		if where != "" {
			binding.HostIP = netip.MustParseAddr(where)
		}
		in := kv()
		in.NetworkSettings.Networks["podman"] = &network.EndpointSettings{} // without an address
		in.NetworkSettings.Ports = network.PortMap{network.MustParsePort("2379/tcp"): {binding}, network.MustParsePort("2380/tcp"): {{HostPort: "1"}}}
		for at, leads := range map[string]bool{"unix:///run/podman/podman.sock": true, "npipe:////./pipe/docker_engine": true, "tcp://192.0.2.1:2376": false, "http://ssh": false} {
			c := &Containers{Engine: engineAt{oneContainer{in: in}, at}}
			conn, err := c.Dial(t.Context(), Member{id: in.ID}, "http://etcd1:2379")
			if (err == nil) != leads {
				t.Errorf("%q of an engine at %s: %v", where, at, err)
			}
			if err == nil {
				conn.Close()
			}
		}
	}
}

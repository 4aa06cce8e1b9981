//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// Who can reach a stack, and whom it can reach: tried from where strangers are.

// TestStrangersReachNoMemberAndNoMemberReachesThem has three strangers: another
// machine on this one's wire, which even knows where the internal networks are,
// a container on a network of its own, and this machine's addresses other than
// loopback. The network that ports are published on is not routed to: engines
// before 28 let in whoever is on the same wire and does that.
func TestStrangersReachNoMemberAndNoMemberReachesThem(t *testing.T) {
	machine, neighbour := newOutside(t), startNeighbour(t)
	neighbour.wantOrdinary(t, machine)
	for _, publish := range []string{"none", "loopback"} {
		t.Run("publish "+publish, func(t *testing.T) {
			s := newStack(t)
			port := freePorts(t, 1)[0]
			s.generateOneMember(publish, port)
			s.up()
			member := s.observe("etcd1")
			for _, n := range member.networks {
				wantAnswer(t, "this machine", dialOnce(net.JoinHostPort(n.ip, "2379")))
				if n.internal {
					machine.route(t, n.subnet)
				}
			}
			for _, address := range member.addresses(machine.hostIP, port) {
				wantSilence(t, "another machine", address, machine.dial(address))
				wantSilence(t, "a container elsewhere", address, neighbour.dial(address))
			}
			for _, ip := range otherAddresses(t) {
				address := net.JoinHostPort(ip, strconv.Itoa(port))
				wantSilence(t, "this machine", address, dialOnce(address))
			}
			wantSilence(t, "the member", machine.ip, member.dial(net.JoinHostPort(machine.ip, strconv.Itoa(machine.port))))
			wantSilence(t, "the member", neighbour.ip, member.dial(net.JoinHostPort(neighbour.ip, "2379")))
		})
	}
	if n := machine.accepted.Load(); n != 1 {
		t.Errorf("the other machine was reached %d times, want once, by the ordinary container", n)
	}
}

func wantAnswer(t *testing.T, from string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("from %s: %v; what follows proves nothing", from, err)
	}
}

func wantSilence(t *testing.T, from, to string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s reaches %s", from, to)
	}
}

func (s *stack) generateOneMember(publish string, port int) {
	s.t.Helper()
	member := "{name: etcd1}"
	if publish == "loopback" {
		member = fmt.Sprintf("{name: etcd1, client-port: %d}", port)
	}
	writeFile(s.t, s.dir+"/etcdctr.yaml", fmt.Sprintf("publish: %s\nmembers: [%s]\n", publish, member))
	s.generate()
}

// observed is a container as the engine's machine sees it.
type observed struct {
	place
	ip        string // one of its addresses
	published string // port of this machine, if any
	networks  []attachment
}

type attachment struct {
	ip, subnet string
	internal   bool
}

// addresses are where a member could be reached: by its own addresses, and by
// what is said of a machine that it might be published on.
func (o observed) addresses(machine string, published int) []string {
	var all []string
	for _, n := range o.networks {
		all = append(all, net.JoinHostPort(n.ip, "2379"), net.JoinHostPort(n.ip, "2380"))
	}
	for _, port := range []int{published, cluster.ClientPort, cluster.PeerPort} {
		all = append(all, net.JoinHostPort(machine, strconv.Itoa(port)))
	}
	return all
}

// observe looks at a member's container. A process's network namespace can be
// entered where the engine's machine is this one.
func (s *stack) observe(member string) observed {
	s.t.Helper()
	return observe(s.t, strings.TrimSpace(s.compose("ps", "--quiet", member)))
}

func observe(t *testing.T, container string) observed {
	t.Helper()
	var found []struct {
		State           struct{ Pid int }
		NetworkSettings struct {
			Networks map[string]struct{ IPAddress string }
			Ports    map[string][]struct{ HostPort string }
		}
	}
	decode(t, run(t, "", "docker", "inspect", container), &found)
	o := observed{place: place(fmt.Sprintf("/proc/%d/ns/net", found[0].State.Pid))}
	for _, bindings := range found[0].NetworkSettings.Ports {
		for _, b := range bindings {
			o.published = b.HostPort
		}
	}
	for name, n := range found[0].NetworkSettings.Networks {
		var networks []struct {
			Internal bool
			IPAM     struct{ Config []struct{ Subnet string } }
		}
		decode(t, run(t, "", "docker", "network", "inspect", name), &networks)
		o.networks = append(o.networks, attachment{n.IPAddress, networks[0].IPAM.Config[0].Subnet, networks[0].Internal})
		o.ip = n.IPAddress
	}
	return o
}

// startNeighbour starts an ordinary container: on the engine's default network,
// with a published port.
func startNeighbour(t *testing.T) observed {
	t.Helper()
	name := uniqueName(namePrefix)
	t.Cleanup(func() {
		if _, err := output(exec.Command("docker", "rm", "--force", name), ""); err != nil {
			t.Error(err)
		}
	})
	run(t, "", "docker", "run", "--detach", "--name", name, "--publish", "0.0.0.0::2379", etcdImage(t, cluster.NewestMinor),
		"etcd", "--listen-client-urls", "http://0.0.0.0:2379", "--advertise-client-urls", "http://0.0.0.0:2379")
	waitUntil(t, connectTimeout, func() error { return dialOnce(net.JoinHostPort(observe(t, name).ip, "2379")) })
	return observe(t, name)
}

// wantOrdinary wants an ordinary container to reach another machine, and to be
// reached where it is published: the same attempts that a stack must frustrate.
func (o observed) wantOrdinary(t *testing.T, machine *outside) {
	t.Helper()
	wantAnswer(t, "an ordinary container", o.dial(net.JoinHostPort(machine.ip, strconv.Itoa(machine.port))))
	wantAnswer(t, "another machine", machine.dial(net.JoinHostPort(machine.hostIP, o.published)))
}

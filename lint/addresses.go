package lint

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/internal/loopback"
)

// This file has the checks of bootstrapRules that compare addresses, and count.

func checkPeerHost(s *Stack, r *reporter) {
	for _, m := range s.Members {
		if m.Container == nil || !s.closed(m) {
			continue
		}
		for _, u := range m.urls("initial-advertise-peer-urls") {
			if host := u.Hostname(); isBareName(host) && s.containerOf(host) == nil {
				r.in(m, found{
					at: m.at("initial-advertise-peer-urls"), message: fmt.Sprintf("%s is no service, container, host name or alias here", host),
					remedy: fmt.Sprintf("advertise http(s)://%s:%s, or give the service the host name %s", m.Service, cmp.Or(u.Port(), "2380"), host),
				})
			}
		}
	}
}

func checkAdvertisesUnspecified(m *Member, r *reporter) {
	for _, name := range []string{"advertise-client-urls", "initial-advertise-peer-urls"} {
		for _, u := range m.urls(name) {
			if isUnspecified(u.Hostname()) {
				r.in(m, found{
					at: m.at(name), message: fmt.Sprintf("%s says %s", name, u.Host),
					remedy: "write a name or an address by which others reach the member, such as " + cmp.Or(m.Service, "etcd1"),
				})
				break
			}
		}
	}
}

// listeners are the settings that say where a member listens.
var listeners = []string{"listen-client-urls", "listen-peer-urls", "listen-metrics-urls", "listen-client-http-urls"}

func checkListensOnName(m *Member, r *reporter) {
	for _, name := range listeners {
		for _, u := range m.urls(name) {
			if canListen(u) {
				continue
			}
			f := found{
				at: m.at(name), message: fmt.Sprintf("%s says %s, which is no address", name, u.Host),
				remedy: "write an address of the machine, or 0.0.0.0 for all that it has, and the name in what is advertised",
			}
			if m.Container != nil {
				f.remedy, f.fix = "listen on 0.0.0.0, and write the name in what is advertised", m.listeningAnywhere(name)
			}
			r.in(m, f)
			break
		}
	}
}

// canListen tells whether etcd takes a URL for one to listen on.
func canListen(u *url.URL) bool {
	host := u.Hostname()
	return strings.HasPrefix(u.Scheme, "unix") || host == "localhost" || net.ParseIP(host) != nil
}

// listeningAnywhere is the fix for a container that listens on a name: all of its addresses
// are its own. One that has several URLs may have the same port in two of them, and one on
// the host's network opens it on the host.
func (m *Member) listeningAnywhere(name string) func(*editor) {
	s, _ := m.find(name)
	urls := m.urls(name)
	if len(urls) != 1 || strings.Contains(s.Value, ",") || m.Container.NetworkMode == "host" || urls[0].Port() == "" {
		return nil
	}
	return s.rewriting(strings.Replace(s.Value, urls[0].Host, net.JoinHostPort("0.0.0.0", urls[0].Port()), 1))
}

func checkAdvertiseSame(s *Stack, r *reporter) {
	for _, group := range s.clusters() {
		for _, name := range []string{"advertise-client-urls", "initial-advertise-peer-urls"} {
			sameAddress(group, name, r)
		}
	}
}

// checkAdvertisesLoopback looks for addresses that lead a client to itself. Where the
// same port is published, a client of the host is led right.
func checkAdvertisesLoopback(m *Member, c *Container, r *reporter) {
	const name = "advertise-client-urls"
	if c.helps() || c.NetworkMode != "" && c.NetworkMode != "bridge" || !m.beyondLoopback("listen-client-urls") {
		return
	}
	for _, u := range m.urls(name) {
		if !loopback.Host(u.Hostname()) {
			return
		}
	}
	for _, u := range m.urls(name) {
		f := found{at: m.at(name), message: fmt.Sprintf("%s is %s, which is each client's own machine or container", name, u), remedy: "advertise the service's name, such as " + u.Scheme + "://" + m.Service + ":" + cmp.Or(u.Port(), "2379")}
		if slices.ContainsFunc(c.Ports, func(p port) bool { return p.published == u.Port() }) {
			f.severity, f.why = Note, "it leads clients of this host right, by the published port, and those in other containers to themselves"
		}
		r.in(m, f)
	}
}

// sameAddress reports the members of a cluster that share an address.
func sameAddress(group []*Member, name string, r *reporter) {
	by := map[string][]*Member{}
	for _, m := range group {
		for _, one := range strings.Split(m.get(name), ",") {
			if one != "" && !unknown(one) && !strings.Contains(one, "0.0.0.0") {
				by[one] = append(by[one], m)
			}
		}
	}
	for _, m := range group {
		for _, one := range strings.Split(m.get(name), ",") {
			if same := by[one]; len(same) > 1 {
				r.in(m, found{
					at: m.at(name), message: fmt.Sprintf("%s is %s, as it is of %s", name, one, others(same, m)),
					remedy: "advertise each member's own address",
				})
			}
		}
	}
}

// checkPorts compares what is advertised and published with what listens.
func checkPorts(s *Stack, r *reporter) {
	for _, m := range s.Members {
		if m.Container == nil || m.Container.NetworkMode == "host" {
			continue
		}
		checkAdvertisedPort(m, r, "advertise-client-urls", "listen-client-urls")
		checkAdvertisedPort(m, r, "initial-advertise-peer-urls", "listen-peer-urls")
		checkPublishedPorts(m, r)
	}
}

func checkAdvertisedPort(m *Member, r *reporter, advertised, listening string) {
	if len(m.urls(listening)) == 0 || unknown(m.get(listening)) {
		return
	}
	listens := m.ports(listening, 0)
	for _, u := range m.urls(advertised) {
		var number int
		if _, err := fmt.Sscan(u.Port(), &number); err != nil {
			continue
		}
		own := slices.Contains(m.Container.Names, u.Hostname())
		toPublished := slices.ContainsFunc(m.Container.Ports, func(p port) bool { return p.published == u.Port() && slices.Contains(listens, p.target) })
		if own && !slices.Contains(listens, number) || !own && !toPublished && len(m.Container.Ports) > 0 && !slices.Contains(listens, number) {
			r.in(m, found{
				at: m.at(advertised), message: fmt.Sprintf("%s says port %d, and the member listens on %d", advertised, number, listens[0]),
				remedy: "advertise the port that the member listens on, or the one that is published for it",
			})
			return
		}
	}
}

func checkPublishedPorts(m *Member, r *reporter) {
	open := append(m.clientPorts(), m.peerPorts()...)
	open = append(open, m.ports("listen-metrics-urls", 0)...)
	open = append(open, m.ports("listen-client-http-urls", 0)...)
	for _, name := range []string{"listen-client-urls", "listen-peer-urls", "listen-metrics-urls"} {
		if unknown(m.get(name)) {
			return
		}
	}
	for _, p := range m.Container.Ports {
		switch {
		case slices.Contains(m.clientPorts(), p.target) && !m.beyondLoopback("listen-client-urls"):
			r.in(m, found{
				at: p.at, message: fmt.Sprintf("port %d is published, and the member listens on its own loopback only", p.target),
				remedy: "set listen-client-urls to all addresses of the container, such as https://0.0.0.0:2379, and advertise-client-urls to the address that clients have",
			})
		case p.target == defaultClientPort && !slices.Contains(open, p.target):
			r.in(m, found{
				at: p.at, message: fmt.Sprintf("port %d is published, and the member listens on %d", p.target, m.clientPorts()[0]),
				remedy: "publish the port that the member listens on",
			})
		}
	}
}

// size is how many members a cluster has: as many as it lists, or as there are.
func size(group []*Member) int {
	n := len(group)
	for _, m := range group {
		n = max(n, len(m.initialCluster()))
	}
	return n
}

func checkEven(s *Stack, r *reporter) {
	for _, group := range s.clusters() {
		m := group[0]
		if n := size(group); n%2 == 0 && !unknown(m.get("initial-cluster")) && !m.meetsElsewhere() && !s.development() {
			r.in(m, found{
				at: m.at("initial-cluster"), message: fmt.Sprintf("the cluster has %d members: it survives as many failures as one of %d", n, n-1),
				remedy: fmt.Sprintf("have %d or %d", n-1, n+1),
			})
		}
	}
}

func checkSingle(s *Stack, r *reporter) {
	for _, group := range s.clusters() {
		m := group[0]
		if len(s.Members) > 1 && len(group) == 1 && s.family(m) > 1 {
			continue // see several-clusters
		}
		if size(group) == 1 && !unknown(m.get("initial-cluster")) && !m.meetsElsewhere() && m.get("initial-cluster-state") != "existing" && !s.development() {
			r.in(m, found{message: "the cluster has one member", remedy: "have three for data that matters"})
		}
	}
}

// family counts the members whose names differ from a member's in their number
// only.
func (s *Stack) family(m *Member) int {
	if s.families == nil {
		s.families = map[string]int{}
		for _, other := range s.Members {
			s.families[numbered.ReplaceAllString(other.Service, "")]++
		}
	}
	return s.families[numbered.ReplaceAllString(m.Service, "")]
}

// development tells whether all members are processes on one machine's
// loopback, whose number says nothing.
func (s *Stack) development() bool {
	for _, m := range s.Members {
		if m.Container != nil || m.beyondLoopback("listen-peer-urls") || m.beyondLoopback("listen-client-urls") {
			return false
		}
	}
	return true
}

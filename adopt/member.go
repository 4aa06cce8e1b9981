package adopt

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/loopback"
)

// This file reads what a member's settings say of where it is reached.

// Defaults of etcd for what is not set.
const (
	defaultClient = "http://localhost:2379"
	defaultPeer   = "http://localhost:2380"
)

// describe completes the settings with etcd's defaults, and has its client URL
// name host, by which Foreign.Dial knows it.
func (m *Member) describe(host string) {
	for name, otherwise := range map[string]string{"listen-client-urls": defaultClient, "listen-peer-urls": defaultPeer, "initial-advertise-peer-urls": defaultPeer} {
		if m.Settings.Get(name) == "" {
			m.Settings = append(m.Settings, cluster.Setting{Name: name, Value: otherwise})
		}
	}
	for _, name := range []string{"advertise-client-urls", "initial-advertise-peer-urls"} {
		for _, u := range urls(m.Settings.Get(name)) {
			if !slices.Contains(m.Hosts, u.Hostname()) && !loopback.Host(u.Hostname()) {
				m.Hosts = append(m.Hosts, u.Hostname())
			}
		}
	}
	m.Apart, m.Clients = m.apart(), m.Settings.Get("advertise-client-urls")
	m.Settings = slices.DeleteFunc(m.Settings, func(s cluster.Setting) bool { return s.Name == "advertise-client-urls" })
	listen := urls(m.Settings.Get("listen-client-urls"))
	if len(listen) == 0 {
		return
	}
	reached := listen[0]
	for _, u := range listen {
		if !loopback.Host(u.Hostname()) {
			reached = u
			break
		}
	}
	m.Settings = append(m.Settings, cluster.Setting{Name: "advertise-client-urls", Value: reached.Scheme + "://" + net.JoinHostPort(host, reached.Port())})
}

// logDir is where a member has its log if that is not in its data directory: wal is what it
// is told, as a path, and home where paths are meant from.
func (m *Member) logDir(wal, home string) string {
	if wal == "" {
		return ""
	}
	if !path.IsAbs(wal) {
		wal = path.Join(home, wal)
	}
	if wal = path.Clean(wal); wal == path.Join(m.DataDir, "member", "wal") {
		return ""
	}
	return wal
}

// apart tells why others of another network don't reach it.
func (m *Member) apart() string {
	for _, name := range []string{"listen-client-urls", "listen-peer-urls"} {
		if !slices.ContainsFunc(urls(m.Settings.Get(name)), func(u *url.URL) bool { return !loopback.Host(u.Hostname()) }) {
			return fmt.Sprintf("it listens on loopback only (%s)", name)
		}
	}
	for _, u := range urls(m.Settings.Get("initial-advertise-peer-urls")) {
		if _, err := netip.ParseAddr(u.Hostname()); err == nil || loopback.Host(u.Hostname()) {
			return fmt.Sprintf("its peers know it by %s, which has no meaning on another network", u.Hostname())
		}
	}
	return ""
}

// Encrypted tells whether either of its ports speaks TLS.
func (m Member) Encrypted() bool {
	for _, name := range []string{"listen-client-urls", "listen-peer-urls", "initial-advertise-peer-urls"} {
		if strings.Contains(m.Settings.Get(name), "https://") {
			return true
		}
	}
	return false
}

// advertised are the names under which its peers and clients look for it.
func (m Member) advertised() []string {
	var names []string
	for _, u := range urls(m.PeerURL()) {
		if _, err := netip.ParseAddr(u.Hostname()); err != nil && !slices.Contains(names, u.Hostname()) {
			names = append(names, u.Hostname())
		}
	}
	return names
}

func urls(list string) []*url.URL {
	var all []*url.URL
	for _, one := range strings.Split(list, ",") {
		if u, err := url.Parse(strings.TrimSpace(one)); err == nil && u.Host != "" {
			all = append(all, u)
		}
	}
	return all
}

// check refuses what can't be one cluster to adopt.
func (s *Stack) check() error {
	if len(s.Members) == 0 {
		return fmt.Errorf("%s: %w", s.Name, ErrNothing)
	}
	seen := map[string]bool{}
	for _, m := range s.Members {
		if seen[m.Name] {
			return fmt.Errorf("%s: several members are called %s: name the containers or folders of one cluster", s.Name, m.Name)
		}
		seen[m.Name] = true
	}
	for _, described := range s.Described {
		if all := described.Clusters(); len(all) > 1 {
			return fmt.Errorf("%s: its members are %d clusters, as they say of each other: name the containers or folders of one", s.Name, len(all))
		}
	}
	return nil
}

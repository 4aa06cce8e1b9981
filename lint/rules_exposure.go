package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/internal/loopback"
)

// exposureRules are about who reaches a member.
var exposureRules = []Rule{
	{
		ID: "client-port-open", Severity: Error,
		Title:  "the client port is open to everybody",
		Why:    "whoever reaches this host reads, changes and deletes every key, without a certificate or a password",
		Source: docsSecurity,
		Bad:    "services:\n  etcd:\n    image: quay.io/coreos/etcd:v3.6.16\n    command: etcd --listen-client-urls http://0.0.0.0:2379 --advertise-client-urls http://etcd:2379\n    ports: [\"2379:2379\"]",
		Good:   "    ports: [\"127.0.0.1:2379:2379\"]   # or TLS with client certificates, or no port at all: services of the project reach etcd:2379 without",
		Cuts:   "clients on other machines: they need the port, and with it TLS and certificates",
		check:  eachMember(checkClientPortOpen),
	},
	{
		ID: "client-port-published", Severity: Note,
		Title:  "the client port is published on all addresses of the host",
		Why:    "it is guarded by certificates or passwords alone: what is not reachable needs no guard",
		Source: "https://docs.docker.com/engine/network/port-publishing/",
		Bad:    "    ports: [\"2379:2379\"]",
		Good:   "    ports: [\"127.0.0.1:2379:2379\"]",
		Cuts:   "clients on other machines: they need the port, and with it TLS and certificates",
		check:  eachMember(checkClientPortPublished),
	},
	{
		ID: "peer-port-open", Severity: Error,
		Title:  "the peer port is open to everybody",
		Why:    "whoever reaches this host speaks to the member as its peers do: there are no users and no permissions on that port",
		Source: docsSecurity,
		Bad:    "    command: etcd --listen-peer-urls http://0.0.0.0:2380 --initial-advertise-peer-urls http://etcd1:2380\n    ports: [\"2380:2380\"]",
		Good:   "    # no port for peers: members of one project reach etcd1:2380 without; across machines peer-client-cert-auth",
		Cuts:   "members and tools on other machines: members there need the port, and with it peer certificates",
		check:  eachMember(checkPeerPortOpen),
	},
	{
		ID: "peer-port-published", Severity: Warning,
		Title:  "the peer port is published",
		Why:    "only members speak to it, and those of one project reach each other without",
		Source: docsContainer,
		Bad:    "    ports: [\"127.0.0.1:2380:2380\"]",
		Good:   "    # no port for peers",
		Cuts:   "members and tools on other machines: members there need the port, and with it peer certificates",
		check:  checkPeerPortPublished,
	},
	{
		ID: "client-no-tls", Severity: Warning, Choice: true,
		Title:  "clients are served without TLS",
		Why:    "keys, values and passwords go over the network in plain text, and nobody has to show who he is",
		Source: docsSecurity,
		Bad:    "      ETCD_LISTEN_CLIENT_URLS: http://0.0.0.0:2379",
		Good:   "      ETCD_LISTEN_CLIENT_URLS: https://0.0.0.0:2379\n      ETCD_CERT_FILE: /certs/server/tls.crt\n      ETCD_KEY_FILE: /certs/server/tls.key\n      ETCD_TRUSTED_CA_FILE: /certs/server/ca.crt\n      ETCD_CLIENT_CERT_AUTH: \"true\"",
		check:  eachMember(checkClientTLS),
	},
	{
		ID: "authentication-none", Severity: Warning,
		Title:  "the image is told to do without a password",
		Why:    "the image asks for it because every client may do everything then",
		Source: "https://hub.docker.com/r/bitnami/etcd",
		Bad:    "      - ALLOW_NONE_AUTHENTICATION=yes",
		Good:   "      - ETCD_ROOT_PASSWORD=${ETCD_ROOT_PASSWORD:?}",
		check:  eachContainer(checkNoAuthentication),
	},
	{
		ID: "debug-port", Severity: Warning,
		Title:  "a debugging port is open",
		Why:    "profiles hold keys and values out of memory, and fail points make a member fail on request",
		Source: docsConfiguration,
		Bad:    "      ETCD_ENABLE_PPROF: \"true\"",
		Good:   "      # neither ETCD_ENABLE_PPROF nor GOFAIL_HTTP",
		check:  eachMember(checkDebugPort),
	},
	{
		ID: "proxy-obeyed", Severity: Warning,
		Title:  "peers are sought through a proxy",
		Why:    "etcd takes HTTP_PROXY for its peers too: they are not found, and no cluster forms",
		Source: "https://pkg.go.dev/net/http#ProxyFromEnvironment",
		Bad:    "      HTTP_PROXY: http://proxy.example:3128",
		Good:   "      HTTP_PROXY: http://proxy.example:3128\n      NO_PROXY: \"*\"",
		check:  eachContainer(checkProxy),
	},
}

// opening is where one of a member's ports is open to others than its host;
// port is nil for one that is not a container's.
type opening struct {
	at   Place
	port *port
}

// exposed lists where others than this host reach the ports that a listener
// opens.
func (m *Member) exposed(setting string, ports []int) []opening {
	c := m.Container
	switch {
	case m.Anywhere:
		return nil
	case c == nil || c.NetworkMode == "host":
		if m.beyondLoopback(setting) {
			return []opening{{at: m.at(setting)}}
		}
		return nil
	case m.get(setting) != "" && !m.beyondLoopback(setting):
		return nil
	}
	var out []opening
	for i := range c.Ports {
		if p := &c.Ports[i]; slices.Contains(ports, p.target) && !loopback.Host(p.hostIP) {
			out = append(out, opening{p.at, p})
		}
	}
	return out
}

// asksClients tells whether clients have to show who they are.
func (m *Member) asksClients() bool {
	if m.clientsShowCertificates() {
		return true
	}
	if m.Container == nil || m.Container.image.maker != bitnami {
		return false
	}
	return m.Container.env("ETCD_ROOT_PASSWORD") != "" || m.Container.env("ETCD_ROOT_PASSWORD_FILE") != ""
}

// env is a variable's value in a container.
func (c *Container) env(name string) string {
	v := c.variable(name)
	if v == nil {
		return ""
	}
	return v.value
}

func (c *Container) variable(name string) *variable {
	for i := len(c.Variables) - 1; i >= 0; i-- {
		if c.Variables[i].name == name {
			return c.Variables[i]
		}
	}
	return nil
}

func checkClientPortOpen(m *Member, r *reporter) {
	if m.asksClients() {
		return
	}
	for _, o := range m.exposed("listen-client-urls", m.clientPorts()) {
		r.in(m, found{
			at: o.at, message: fmt.Sprintf("the client port %s, and clients need no certificate", where(o.port)),
			remedy: onLoopback(o.port), fix: publishOnLoopback(o.port),
		})
	}
}

func checkClientPortPublished(m *Member, r *reporter) {
	if !m.asksClients() {
		return // see client-port-open
	}
	for _, o := range m.exposed("listen-client-urls", m.clientPorts()) {
		if o.port != nil && isUnspecified(o.port.hostIP) {
			r.in(m, found{at: o.at, message: "the client port " + where(o.port), remedy: onLoopback(o.port), fix: publishOnLoopback(o.port)})
		}
	}
}

func checkPeerPortOpen(m *Member, r *reporter) {
	if m.get("listen-peer-urls") == "" || m.peersShowCertificates() {
		return
	}
	for _, o := range m.exposed("listen-peer-urls", m.peerPorts()) {
		r.in(m, found{
			at: o.at, message: fmt.Sprintf("the peer port %s, and peers need no certificate", where(o.port)),
			remedy: "publish no port for peers, or let them show certificates: peer-client-cert-auth and peer-trusted-ca-file", fix: dropPeerPort(m, o.port),
		})
	}
}

func checkPeerPortPublished(s *Stack, r *reporter) {
	for _, m := range s.Members {
		if m.Container == nil || m.spansMachines(s) {
			continue
		}
		for i := range m.Container.Ports {
			p := &m.Container.Ports[i]
			if !slices.Contains(m.peerPorts(), p.target) || !loopback.Host(p.hostIP) && !m.peersShowCertificates() && m.get("listen-peer-urls") != "" {
				continue // the latter is an open one
			}
			r.in(m, found{
				at: p.at, message: "the peer port is published",
				remedy: "publish no port for peers", fix: dropPeerPort(m, p),
			})
		}
	}
}

// spansMachines tells whether a member may have peers that the stack does not
// have.
func (m *Member) spansMachines(s *Stack) bool {
	if m.meetsElsewhere() && len(s.Members) == 1 {
		return true
	}
	for _, p := range m.initialCluster() {
		for _, u := range readURLs(p.url) {
			if s.containerOf(u.Hostname()) == nil {
				return true
			}
		}
	}
	return false
}

func where(p *port) string {
	switch {
	case p == nil:
		return "answers on other addresses than loopback"
	case isUnspecified(p.hostIP):
		return "is published on all addresses of the host"
	}
	return "is published on " + p.hostIP
}

func onLoopback(p *port) string {
	if p == nil {
		return "listen on loopback, or let clients show certificates: client-cert-auth and trusted-ca-file"
	}
	return fmt.Sprintf("publish it on loopback, \"127.0.0.1:%s:%d\", or not at all: services of the project reach it without", hostPort(p), p.target)
}

// hostPort is the port of the host that one is published at.
func hostPort(p *port) string {
	if p.published == "" {
		return fmt.Sprint(p.target)
	}
	return p.published
}

// publishOnLoopback rewrites a port in the short form. A range stays.
func publishOnLoopback(p *port) func(*editor) {
	if p == nil || p.v == nil || p.v.kind != scalar || !isUnspecified(p.hostIP) || strings.Contains(p.v.text, "-") {
		return nil
	}
	return func(e *editor) {
		host := strings.TrimPrefix(strings.TrimPrefix(p.v.node.Value, "0.0.0.0:"), "[::]:")
		if !strings.Contains(host, ":") {
			host = ":" + host // a port of the engine's choice
		}
		e.setScalar(p.v, "127.0.0.1:"+host)
	}
}

// dropPeerPort removes a published peer port, where the members find each other
// without.
func dropPeerPort(m *Member, p *port) func(*editor) {
	if p == nil || p.v == nil || strings.Contains(p.v.text, "-") || m.Container.v == nil {
		return nil
	}
	for _, u := range m.urls("initial-advertise-peer-urls") {
		if !slices.Contains(m.Container.Names, u.Hostname()) {
			return nil
		}
	}
	key, ok := m.Container.v.find("ports")
	if !ok || key.in == nil || len(key.value.parts()) != 1 {
		return nil
	}
	return func(e *editor) { e.deleteItem(key, p.in, p.v) }
}

func checkClientTLS(m *Member, r *reporter) {
	if m.beyondLoopback("listen-client-urls") && !m.hasTLS("listen-client-urls") {
		r.in(m, found{
			at: m.at("listen-client-urls"), message: "clients are served without TLS",
			remedy: "give it cert-file, key-file, trusted-ca-file and client-cert-auth, and https in its URLs: `etcdctr certs create` makes what is needed",
		})
	}
}

func checkNoAuthentication(m *Member, c *Container, r *reporter) {
	v := c.variable("ALLOW_NONE_AUTHENTICATION")
	if v == nil || !slices.Contains([]string{"yes", "true", "1"}, strings.ToLower(v.value)) {
		return
	}
	if c.image.maker == upstream {
		r.in(m, found{
			at: v.at, severity: Note, message: "ALLOW_NONE_AUTHENTICATION means nothing to this image, nor would ETCD_ROOT_PASSWORD: both are bitnami's",
			why:    "whoever reads it believes that something was decided here: etcd ignores it, and lets everybody in who reaches the port, with or without it",
			remedy: "leave it out; let clients show certificates, or make users with etcdctl and switch authentication on", fix: v.remove,
		})
		return
	}
	r.in(m, found{
		at: v.at, message: "ALLOW_NONE_AUTHENTICATION does without a password",
		remedy: "set ETCD_ROOT_PASSWORD instead, from a file that is in no repository, or let clients show certificates",
	})
}

func checkDebugPort(m *Member, r *reporter) {
	if m.isTrue("enable-pprof") {
		r.in(m, found{
			at: m.at("enable-pprof"), message: "enable-pprof serves profiles of the process on the client port",
			remedy: "leave it out",
		})
	}
	if m.Container == nil {
		return
	}
	for _, name := range []string{"GOFAIL_HTTP", "ETCD_GOFAIL_HTTP"} {
		if v := m.Container.variable(name); v != nil && v.value != "" {
			r.in(m, found{at: v.at, message: name + " opens a port that makes the member fail on request", remedy: "leave it out, and take an etcd that was built without fail points"})
		}
	}
}

// checkProxy looks for proxies that peers' connections would take.
func checkProxy(m *Member, c *Container, r *reporter) {
	except := c.env("NO_PROXY") + "," + c.env("no_proxy")
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		v := c.variable(name)
		if v == nil || v.value == "" || isForTLS(name) != m.hasTLS("listen-peer-urls") {
			continue
		}
		if host, missed := missedByNoProxy(m, except); missed {
			r.in(m, found{
				at: v.at, message: fmt.Sprintf("%s is obeyed for the peer %s too", name, host),
				remedy: "add NO_PROXY: \"*\": etcd has nothing to seek outside",
			})
			return
		}
	}
}

// missedByNoProxy gives a peer that a list of exceptions does not name.
func missedByNoProxy(m *Member, except string) (string, bool) {
	list := strings.FieldsFunc(except, func(r rune) bool { return r == ',' || r == ' ' })
	if slices.Contains(list, "*") {
		return "", false
	}
	for _, p := range m.initialCluster() {
		for _, u := range readURLs(p.url) {
			host := u.Hostname()
			excepted := loopback.Host(host) || slices.ContainsFunc(list, func(one string) bool {
				one = strings.TrimPrefix(one, ".")
				return host == one || strings.HasSuffix(host, "."+one) || strings.Contains(one, "/")
			})
			if !excepted && p.name != m.name() {
				return host, true
			}
		}
	}
	return "", false
}

// isForTLS tells whether a proxy variable is for https, and so for peers that
// speak TLS.
func isForTLS(name string) bool { return strings.EqualFold(name, "https_proxy") }

package lint

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/listed"
)

// tlsRules are about certificates.
var tlsRules = []Rule{
	{
		ID: "auto-tls-client-auth", Severity: Error,
		Title:  "auto-TLS switches client authentication off",
		Why:    "with certificates that it makes up itself etcd asks no client for one, whatever client-cert-auth says",
		Source: "server/embed/config.go, ClientSelfCert, and a run of 3.5, 3.6 and 3.7",
		Bad:    "      ETCD_AUTO_TLS: \"true\"\n      ETCD_CLIENT_CERT_AUTH: \"true\"\n      ETCD_TRUSTED_CA_FILE: /certs/ca.crt",
		Good:   "      ETCD_CERT_FILE: /certs/server/tls.crt\n      ETCD_KEY_FILE: /certs/server/tls.key\n      ETCD_CLIENT_CERT_AUTH: \"true\"\n      ETCD_TRUSTED_CA_FILE: /certs/server/ca.crt",
		check:  eachMember(checkAutoTLS),
	},
	{
		ID: "tls-without-client-certs", Severity: Warning, Choice: true,
		Title:  "clients are served with TLS, and show no certificate",
		Why:    "the connection is private, and whoever makes one may do everything",
		Source: docsSecurity,
		Bad:    "      ETCD_CERT_FILE: /certs/server.crt\n      ETCD_KEY_FILE: /certs/server.key",
		Good:   "      ETCD_CERT_FILE: /certs/server.crt\n      ETCD_KEY_FILE: /certs/server.key\n      ETCD_CLIENT_CERT_AUTH: \"true\"\n      ETCD_TRUSTED_CA_FILE: /certs/ca.crt",
		check:  eachMember(checkClientCertificates),
	},
	{
		ID: "one-authority", Severity: Warning,
		Title:  "clients and peers have one authority",
		Why:    "any client's certificate opens the peer port, where there are no users and no permissions",
		Source: docsSecurity,
		Bad:    "      ETCD_TRUSTED_CA_FILE: /certs/ca.crt\n      ETCD_PEER_TRUSTED_CA_FILE: /certs/ca.crt",
		Good:   "      ETCD_TRUSTED_CA_FILE: /certs/server/ca.crt\n      ETCD_PEER_TRUSTED_CA_FILE: /certs/peer/ca.crt",
		check:  eachMember(checkOneAuthority),
	},
	{
		ID: "authority-key-as-server-key", Severity: Warning,
		Title:  "the authority's key is the server's",
		Why:    "whoever gets hold of a member's key makes certificates that every member takes",
		Source: docsSecurity,
		Bad:    "      ETCD_CERT_FILE: /certs/ca.pem\n      ETCD_KEY_FILE: /certs/ca-key.pem",
		Good:   "      ETCD_CERT_FILE: /certs/etcd1.pem\n      ETCD_KEY_FILE: /certs/etcd1-key.pem",
		check:  eachMember(checkAuthorityKey),
	},
	{
		ID: "key-folder-mounted", Severity: Warning,
		Title:  "a folder with everybody's keys is mounted",
		Why:    "one container that falls gives away the keys of all, and often the authority's",
		Source: docsSecurity,
		Bad:    "    volumes: [\"./certs:/certs\"]   # in etcd1, etcd2 and etcd3",
		Good:   "    volumes: [\"./certs/etcd1:/certs:ro\"]",
		check:  checkKeyFolder,
	},
	{
		ID: "certificates-as-files", Severity: Warning,
		Title:  "certificates are mounted as single files",
		Why:    "a renewal that replaces the file is never seen in the container: the mount keeps the old one, until it expires",
		Source: "https://docs.docker.com/engine/storage/bind-mounts/",
		Bad:    "    volumes: [\"./certs/etcd1.crt:/certs/server.crt\"]",
		Good:   "    volumes: [\"./certs/etcd1:/certs:ro\"]",
		check:  eachContainer(checkSingleFiles),
	},
	{
		ID: "scheme-differs", Severity: Warning,
		Title:  "what is advertised has another scheme than what listens",
		Why:    "whoever follows the advertised address speaks plain text to TLS, or TLS to plain text",
		Source: docsConfiguration,
		Bad:    "      ETCD_LISTEN_CLIENT_URLS: https://0.0.0.0:2379\n      ETCD_ADVERTISE_CLIENT_URLS: http://etcd1:2379",
		Good:   "      ETCD_LISTEN_CLIENT_URLS: https://0.0.0.0:2379\n      ETCD_ADVERTISE_CLIENT_URLS: https://etcd1:2379",
		check:  eachMember(checkScheme),
	},
	{
		ID: "cipher-suites-without-http2", Severity: Error,
		Title:  "none of the cipher suites is one that HTTP/2 wants",
		Why:    "the member starts, elects a leader, and ends once it is to serve clients: missing an HTTP/2-required AES_128_GCM_SHA256 cipher",
		Source: "golang.org/x/net/http2, ConfigureServer, and a run of 3.5, 3.6 and 3.7",
		Bad:    "      ETCD_CIPHER_SUITES: TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
		Good:   "      ETCD_CIPHER_SUITES: TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
		check:  eachMember(checkCipherSuites),
	},
}

func checkAutoTLS(m *Member, r *reporter) {
	for _, one := range []struct{ auto, auth, ca string }{
		{"auto-tls", "client-cert-auth", "trusted-ca-file"},
		{"peer-auto-tls", "peer-client-cert-auth", "peer-trusted-ca-file"},
	} {
		if !m.isTrue(one.auto) || !m.isTrue(one.auth) && m.get(one.ca) == "" {
			continue
		}
		prefix := strings.TrimSuffix(one.auto, "auto-tls")
		if m.get(prefix+"cert-file") != "" {
			continue // etcd takes the files then
		}
		asked := one.auth
		if !m.isTrue(one.auth) {
			asked = one.ca
		}
		severity := Error
		if prefix != "" {
			severity = Warning // peers show each other certificates all the same, by nobody's word
		}
		r.in(m, found{
			at: m.at(one.auto), severity: severity, message: one.auto + " switches off what " + asked + " asks for",
			remedy: fmt.Sprintf("give it %scert-file and %skey-file instead of %s", prefix, prefix, one.auto),
		})
	}
}

func checkClientCertificates(m *Member, r *reporter) {
	if m.hasTLS("listen-client-urls") && m.beyondLoopback("listen-client-urls") && !m.clientsShowCertificates() && !m.isTrue("client-cert-auth") {
		r.in(m, found{
			at: m.at("listen-client-urls"), message: "clients show no certificate",
			remedy: "set client-cert-auth and trusted-ca-file",
		})
	}
}

func checkOneAuthority(m *Member, r *reporter) {
	clients, peers := m.get("trusted-ca-file"), m.get("peer-trusted-ca-file")
	if clients == "" || peers == "" || !m.clientsShowCertificates() || !m.peersShowCertificates() {
		return
	}
	if m.get("peer-cert-allowed-cn") != "" || m.get("peer-cert-allowed-hostname") != "" {
		return // which a client's certificate does not pass
	}
	if m.onHost(clients) == m.onHost(peers) {
		r.in(m, found{
			at: m.at("peer-trusted-ca-file"), message: "clients and peers are taken by the same authority's word",
			remedy: "make peers an authority of their own, or set peer-cert-allowed-cn: `etcdctr certs create` makes two",
		})
	}
}

// onHost gives a path in a container as it is on the host, as far as mounts
// tell.
func (m *Member) onHost(p string) string {
	if m.Container == nil {
		return p
	}
	if mnt, ok := m.Container.mountAt(p); ok && mnt.source != "" {
		return path.Join(mnt.source, strings.TrimPrefix(path.Clean(p), mnt.target))
	}
	return p
}

// authorityKey matches the names that the key of an authority has by custom.
var authorityKey = regexp.MustCompile(`(?i)^(root[-_.]?)?ca([-_.]?(key|private))*\.(key|pem)$|^ca[-_.]?key$`)

func checkAuthorityKey(m *Member, r *reporter) {
	for _, prefix := range []string{"", "peer-"} {
		key, cert, ca := m.get(prefix+"key-file"), m.get(prefix+"cert-file"), m.get(prefix+"trusted-ca-file")
		if key == "" {
			continue
		}
		if cert != "" && cert == ca || authorityKey.MatchString(path.Base(key)) && !strings.Contains(path.Base(key), "client") {
			r.in(m, found{
				at: m.at(prefix + "key-file"), message: fmt.Sprintf("%skey-file is the key of the authority", prefix),
				remedy: "issue the member a certificate of its own, and keep the authority's key off the machines: `etcdctr certs create`",
			})
		}
	}
}

// keySettings name files that hold keys, and certificateSettings all that TLS
// is made of.
var (
	keySettings         = []string{"key-file", "peer-key-file", "client-key-file", "peer-client-key-file"}
	certificateSettings = append([]string{
		"cert-file", "trusted-ca-file", "peer-cert-file", "peer-trusted-ca-file",
		"client-cert-file", "peer-client-cert-file", "client-crl-file", "peer-crl-file",
	}, keySettings...)
)

// checkKeyFolder looks for folders that are mounted in several containers and
// that hold a member's key.
func checkKeyFolder(s *Stack, r *reporter) {
	users := map[string][]string{} // by source
	for _, c := range s.Containers {
		for _, m := range c.Mounts {
			if !c.helps() && m.source != "" && m.kind != "tmpfs" && !slices.Contains(users[m.source], c.Service) {
				users[m.source] = append(users[m.source], c.Service)
			}
		}
	}
	for _, m := range s.Members {
		if m.Container == nil {
			continue
		}
		reported := map[string]bool{}
		for _, name := range keySettings {
			mnt, ok := m.Container.mountAt(m.get(name))
			if !ok || m.get(name) == "" || mnt.target == path.Clean(m.get(name)) || len(users[mnt.source]) < 2 || reported[mnt.source] {
				continue
			}
			reported[mnt.source] = true
			r.in(m, found{
				at: mnt.at, message: fmt.Sprintf("%s holds a member's key and is mounted in %s", mnt.source, strings.Join(users[mnt.source], ", ")),
				remedy: "give each container a folder with its own key and nobody else's",
			})
		}
	}
}

func checkSingleFiles(m *Member, c *Container, r *reporter) {
	for _, mnt := range c.Mounts {
		for _, name := range certificateSettings {
			if file := m.get(name); mnt.kind == "bind" && file != "" && path.Clean(file) == mnt.target {
				r.in(m, found{
					at: mnt.at, message: fmt.Sprintf("%s is mounted as a single file", file),
					remedy: "mount the folder above it: its files can be replaced",
				})
				break
			}
		}
	}
}

func checkCipherSuites(m *Member, r *reporter) {
	suites := m.get("cipher-suites")
	instead, lacks := cluster.LacksHTTP2(suites)
	if !lacks || unknown(suites) || !m.hasTLS("listen-client-urls") {
		return
	}
	r.in(m, found{
		at: m.at("cipher-suites"), message: "etcd ends once it is to serve clients: none of its cipher suites is one that HTTP/2 wants",
		remedy: "add " + listed.Or(instead),
	})
}

func checkScheme(m *Member, r *reporter) {
	for _, pair := range [][2]string{{"advertise-client-urls", "listen-client-urls"}, {"initial-advertise-peer-urls", "listen-peer-urls"}} {
		listening := m.urls(pair[1])
		for _, a := range m.urls(pair[0]) {
			if len(listening) == 0 {
				break
			}
			if !slices.ContainsFunc(listening, func(l *url.URL) bool { return l.Scheme == a.Scheme }) {
				r.in(m, found{
					at: m.at(pair[0]), message: fmt.Sprintf("%s says %s, and %s says %s", pair[0], a.Scheme, pair[1], listening[0].Scheme),
					remedy: "write the same scheme in both",
				})
				break
			}
		}
	}
}

package cluster

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// This file gives each member its etcd settings.

func scheme(tls TLSMode) string {
	if tls == NoTLS {
		return "http"
	}
	return "https"
}

func endpoint(tls TLSMode, host string, port int) string {
	return scheme(tls) + "://" + net.JoinHostPort(host, strconv.Itoa(port))
}

// identitySettings say who a member is and where it is reached.
func identitySettings(m Member, c *Cluster) Settings {
	p := m.Place
	listen, advertise := endpoint(c.TLS, p.Listen.String(), p.ClientPort), endpoint(c.TLS, p.Host, p.ClientPort)
	if c.verifiable(m) {
		listen, advertise = verifiableURLs(p)
	}
	return Settings{
		{"name", m.Name},
		{"data-dir", p.DataDir},
		{"listen-client-urls", listen},
		{"advertise-client-urls", advertise},
		{"listen-peer-urls", endpoint(c.TLS, p.Listen.String(), p.PeerPort)},
		{"initial-advertise-peer-urls", endpoint(c.TLS, p.Host, p.PeerPort)},
	}
}

// verifiable tells that clients can verify a member's auto-TLS certificate,
// once they have it. It is for the addresses that the member listens on, so
// these have to be fixed, and published ports arrive on another one.
func (c *Cluster) verifiable(m Member) bool {
	return c.TLS == AutoTLS && len(m.Place.Addresses) > 0 && !c.Publish.Opens() && !m.Place.PublishOn.IsValid()
}

// verifiableURLs are the addresses that the certificate will be for. Loopback
// is for the member's own health check.
func verifiableURLs(p Place) (listen, advertise string) {
	var urls []string
	for _, a := range p.Addresses {
		urls = append(urls, endpoint(AutoTLS, a.String(), p.ClientPort))
	}
	advertise = strings.Join(urls, ",")
	if !p.Addresses[0].IsLoopback() {
		urls = append(urls, endpoint(AutoTLS, "127.0.0.1", p.ClientPort))
	}
	return strings.Join(urls, ","), advertise
}

// bootstrapSettings tell a member how to find the others. After its first
// start a member goes by its data and ignores them, so a second start is safe.
func bootstrapSettings(c *Cluster, m Member) Settings {
	switch {
	case c.DNS != nil:
		return dnsSettings(c)
	case c.Discovery != nil && !c.Discovery.ByProxy():
		return discoverySettings(c, m)
	}
	peers := make([]string, len(c.Members))
	for i, m := range c.Members {
		peers[i] = m.Name + "=" + endpoint(c.TLS, m.Place.Host, m.Place.PeerPort)
	}
	return Settings{
		{"initial-cluster", strings.Join(peers, ",")},
		{"initial-cluster-state", "new"},
		{"initial-cluster-token", c.Token},
	}
}

// tlsSettings secure both of a member's listeners. Each has an authority of
// its own: with a shared one, any client's certificate would open the peer
// port.
func (r *resolver) tlsSettings(m Member, tls TLSMode) Settings {
	switch tls {
	case NoTLS:
		return nil
	case AutoTLS:
		return Settings{{"auto-tls", "true"}, {"peer-auto-tls", "true"}, {"self-signed-cert-validity", r.selfSignedCertValidity()}}
	}
	server, peer := path.Join(m.Place.CertsDir, "server"), path.Join(m.Place.CertsDir, "peer")
	return Settings{
		{"cert-file", path.Join(server, "tls.crt")},
		{"key-file", path.Join(server, "tls.key")},
		{"client-cert-auth", "true"},
		{"trusted-ca-file", path.Join(server, "ca.crt")},
		{"client-crl-file", path.Join(server, "crl.der")},
		{"peer-cert-file", path.Join(peer, "tls.crt")},
		{"peer-key-file", path.Join(peer, "tls.key")},
		{"peer-client-cert-auth", "true"},
		{"peer-trusted-ca-file", path.Join(peer, "ca.crt")},
		{"peer-crl-file", path.Join(peer, "crl.der")},
	}
}

// defaultSnapshotCount is etcd's own since 3.6; 3.5 kept ten times as many
// entries in memory.
const defaultSnapshotCount = 10000

// commonSettings are the tuning that all members share.
func (r *resolver) commonSettings() Settings {
	s := r.spec
	heartbeat, election := r.timing()
	mode, retention := r.compaction()
	return Settings{
		{"heartbeat-interval", milliseconds(heartbeat)},
		{"election-timeout", milliseconds(election)},
		{"quota-backend-bytes", strconv.FormatInt(r.quota(), 10)},
		{"auto-compaction-mode", mode},
		{"auto-compaction-retention", retention},
		{"snapshot-count", strconv.Itoa(r.snapshotCount())},
		{"log-level", chooseElse(r, "log-level", s.LogLevel, r.profile.logLevel)},
	}
}

// selfSignedCertValidity decides how many years auto-TLS certificates are good
// for.
func (r *resolver) selfSignedCertValidity() string {
	const path, most = "self-signed-cert-validity", 10
	value := or(r.spec.SelfSignedCertValidity, "1")
	if n, err := strconv.Atoi(value); err != nil || n < 1 || n > most {
		r.report(path, "must be a number of years from 1 to %d, not %q", most, value)
	}
	return value
}

func milliseconds(d time.Duration) string {
	return strconv.FormatInt(d.Milliseconds(), 10)
}

// timing decides heartbeat interval and election timeout. etcd refuses an
// election timeout under five heartbeats or over 50 seconds; one of the two
// given alone brings the other along at the usual ratio of ten.
func (r *resolver) timing() (heartbeat, election time.Duration) {
	const usualRatio, leastRatio = 10, 5
	s := r.spec
	heartbeat, election = r.profile.heartbeatInterval, r.profile.electionTimeout
	heartbeat = r.span("heartbeat-interval", s.HeartbeatInterval, heartbeat, time.Millisecond, 5*time.Second)
	if s.HeartbeatInterval != "" {
		election = heartbeat * usualRatio
	}
	election = r.span("election-timeout", s.ElectionTimeout, election, leastRatio*time.Millisecond, 50*time.Second)
	if s.ElectionTimeout != "" && s.HeartbeatInterval == "" {
		heartbeat = max(election/usualRatio, time.Millisecond)
	}
	if election < leastRatio*heartbeat {
		r.report("election-timeout", "%s must be at least %d times the heartbeat-interval of %s, and ten times is usual",
			election, leastRatio, heartbeat)
	}
	return heartbeat, election
}

func (r *resolver) quota() int64 {
	const path = "quota-backend-bytes"
	if r.spec.QuotaBackendBytes == "" {
		return r.profile.quotaBackendBytes
	}
	n, err := parseSize(r.spec.QuotaBackendBytes)
	if err != nil {
		r.report(path, "%s", err)
		return 0
	}
	const least = 16 << 20 // below it, a member runs full on its own bookkeeping
	if n < least {
		r.report(path, "must be at least 16MiB, not %s", r.spec.QuotaBackendBytes)
	}
	if n > 8*gibibyte {
		r.warn(path, "%s is over the 8GiB that etcd recommends: starts and snapshots get slow", r.spec.QuotaBackendBytes)
	}
	return n
}

// compactionMode is what a retention is, in etcd's own words but for the last.
type compactionMode string

const (
	periodic    compactionMode = "periodic"
	byRevision  compactionMode = "revision"
	uncompacted compactionMode = "off"
)

// compaction decides mode and retention. Without compaction etcd keeps every
// revision of every key until the quota stops all writes, so it is on unless
// it is switched off by name.
func (r *resolver) compaction() (mode, retention string) {
	const modePath, retentionPath = "auto-compaction-mode", "auto-compaction-retention"
	chosen := chooseElse(r, modePath, r.spec.AutoCompactionMode, r.profile.autoCompactionMode)
	retention = r.spec.AutoCompactionRetention
	switch chosen {
	case uncompacted:
		if retention != "" {
			r.report(retentionPath, "has no effect with auto-compaction-mode: off: leave it out")
		}
		r.warn(modePath, "off keeps every revision: the database grows to its quota unless something else compacts it")
		return string(periodic), "0"
	case byRevision:
		retention = or(retention, "10000")
		if n, err := strconv.ParseInt(retention, 10, 64); err != nil || n < 1 {
			r.report(retentionPath, "must be a number of revisions to keep with auto-compaction-mode: revision, not %q", retention)
		}
	default:
		retention = or(retention, r.profile.autoCompactionRetention)
		if d, err := time.ParseDuration(retention); err != nil || d < time.Minute {
			r.report(retentionPath, "must be a duration of at least 1m such as 1h, not %q", retention)
		}
	}
	return string(chosen), retention
}

func (r *resolver) snapshotCount() int {
	value := r.spec.SnapshotCount
	if value == "" {
		return defaultSnapshotCount
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > 1_000_000 {
		r.report("snapshot-count", "must be a number of entries from 1 to 1000000, not %q", value)
		return defaultSnapshotCount
	}
	return n
}

const metricsPath = "listen-metrics-urls"

// metricsSettings decide the listener for /metrics and /health, by default on
// loopback only, which in a container is the container's own: it answers anyone
// without a certificate.
func (r *resolver) metricsSettings(p Place) Settings {
	switch value := r.spec.ListenMetricsURLs; value {
	case "":
		return Settings{{metricsPath, fmt.Sprintf("http://127.0.0.1:%d", p.MetricsPort)}}
	case "none":
		return nil
	default:
		return Settings{{metricsPath, value}}
	}
}

// metricsURLs checks the listeners that the user asks for.
func (r *resolver) metricsURLs(tls TLSMode) {
	if value := r.spec.ListenMetricsURLs; value != "" && value != "none" {
		for _, one := range strings.Split(value, ",") {
			r.metricsURL(one, tls)
		}
	}
}

func (r *resolver) metricsURL(value string, tls TLSMode) {
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Path != "" {
		r.report(metricsPath, "%q must be a URL such as http://127.0.0.1:%d, or none", value, MetricsPort)
		return
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		r.report(metricsPath, "%q must have an IP address: etcd does not bind to names", value)
		return
	}
	if port, err := strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
		r.report(metricsPath, "%q must have a port from 1 to 65535", value)
		return
	}
	if u.Scheme == "https" && tls == NoTLS {
		r.report(metricsPath, "%q needs tls: there is no certificate with tls: none", value)
	}
	if u.Scheme == "http" && !ip.IsLoopback() {
		r.warn(metricsPath, "%s answers everyone on the stack's network, without a certificate", value)
	}
}

// metricsPort refuses a metrics listener on a port that is taken: by etcd
// itself, or by the next of several members of the same machine.
func (r *resolver) metricsPort(p Place, members int) {
	if value := r.spec.ListenMetricsURLs; value != "" && value != "none" && p.Shared && p.Listen.IsLoopback() && members > 1 {
		r.report(metricsPath, "%q can't be the address of %d members on one machine: leave it out, and each gets its own", value, members)
	}
	for _, one := range strings.Split(r.spec.ListenMetricsURLs, ",") {
		u, err := url.Parse(one)
		if err != nil {
			continue // reported by metricsURL
		}
		for _, port := range []int{p.ClientPort, p.PeerPort} {
			if u.Port() == strconv.Itoa(port) {
				r.report(metricsPath, "%q must not use port %d, which is etcd's own: use %d", one, port, MetricsPort)
			}
		}
	}
}

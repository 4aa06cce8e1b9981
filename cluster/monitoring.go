package cluster

import (
	"net/netip"
	"regexp"
	"strconv"

	"github.com/distribution/reference"
)

// Monitoring is the Prometheus that a stack brings along.
type Monitoring struct {
	Image string
	// Retention is how long it keeps what it has seen, in its own form, such as 15d.
	Retention string
	// Port is where this machine finds it on 127.0.0.1; 0: it is published nowhere.
	Port int
}

// Published is where this machine finds it; not valid where it is published nowhere.
func (m *Monitoring) Published() netip.AddrPort {
	if m == nil || m.Port == 0 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(loopback, uint16(m.Port))
}

// PrometheusName is the service name of the Prometheus that a stack brings along.
const PrometheusName = "prometheus"

// DefaultPrometheusImage is Prometheus' official image.
const DefaultPrometheusImage = "prom/prometheus:v3.16.0"

// PrometheusPort is the port that Prometheus listens on in its container.
const PrometheusPort = 9090

// MonitoringClient is the client identity that reads metrics.
const MonitoringClient = "monitoring"

// defaultRetention is Prometheus' own.
const defaultRetention = "15d"

var retentionPattern = regexp.MustCompile(`^[1-9][0-9]*[hdwy]$`)

// monitoring decides whether a Prometheus belongs to the stack. Members have been
// placed.
func (r *resolver) monitoring(c *Cluster) {
	s := r.spec
	if oneOf(r, "monitoring", s.Monitoring, "false", "false", "true") == "false" {
		if s.Monitoring != "" && s.Monitoring != "false" {
			return
		}
		// A flag that takes Prometheus away leaves in the file how it was: what the file says is
		// for when it comes back.
		for _, key := range []string{"prometheus-image", "prometheus-port", "prometheus-retention"} {
			if !s.byFlag("monitoring") || s.byFlag(key) {
				r.refuseKeys("has no effect without monitoring: true: set that, or leave it out", key)
			}
		}
		return
	}
	if len(c.Members) > 0 && !inContainers(c) {
		r.report("monitoring", "puts Prometheus on the network of members in containers of one machine, which these are not: "+
			"leave it out, and give what `etcdctr monitoring print --monitoring=false` writes to a Prometheus of yours")
		return
	}
	m := &Monitoring{Image: or(s.PrometheusImage, DefaultPrometheusImage), Retention: or(s.PrometheusRetention, defaultRetention)}
	if _, err := reference.ParseNormalizedNamed(m.Image); err != nil {
		r.report("prometheus-image", "%q is not an image reference such as %s: %s", m.Image, DefaultPrometheusImage, err)
	}
	if !retentionPattern.MatchString(m.Retention) {
		r.report("prometheus-retention", "must be a number of hours, days, weeks or years such as 12h, %s, 4w or 1y, not %q", defaultRetention, m.Retention)
	}
	m.Port = r.prometheusPort(c)
	if c.TLS == Mutual && (s.Auth == nil || s.Auth.Enabled != "true") {
		r.warn("monitoring", "the certificate %s, which Prometheus shows, reads and writes all keys as long as auth is not enabled: then it reads metrics alone", MonitoringClient)
	}
	c.Monitoring = m
}

// prometheusPort is the port on 127.0.0.1, 0 for none.
func (r *resolver) prometheusPort(c *Cluster) int {
	text := r.spec.PrometheusPort
	if text == "" {
		return 0
	}
	port, err := strconv.Atoi(text)
	if err != nil || port < 1 || port > 65535 {
		r.report("prometheus-port", "must be a port from 1 to 65535, not %q", text)
		return 0
	}
	for _, m := range c.Members {
		if m.PublishedPort == port {
			r.report("prometheus-port", "%d is the port of %s too: take another", port, m.Name)
		}
	}
	return port
}

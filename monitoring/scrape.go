package monitoring

import (
	"net"
	"net/url"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
)

// Target is where a member's metrics are.
type Target struct {
	Member  string
	Scheme  string // http or https
	Address string // host and port
}

// Targets are where the metrics of a cluster's members are reached: at the port for
// nothing else where others than the member itself reach that, otherwise at the port
// for clients.
func Targets(c *cluster.Cluster) []Target {
	var all []Target
	for _, m := range c.Members {
		client, err := url.Parse(first(m.ClientURL()))
		if err != nil {
			continue // Resolve has checked it
		}
		t := Target{m.Name, client.Scheme, client.Host}
		if own, err := url.Parse(first(m.Settings.Get("listen-metrics-urls"))); err == nil && own.Host != "" && reached(own, client) {
			t.Scheme, t.Address = own.Scheme, client.Hostname()+":"+own.Port()
		}
		all = append(all, t)
	}
	return all
}

// reached reports whether whoever reaches clients' port reaches the metrics' own.
func reached(metrics, client *url.URL) bool {
	return !loopback(metrics.Hostname()) || loopback(client.Hostname())
}

func loopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

func first(list string) string {
	one, _, _ := strings.Cut(list, ",")
	return one
}

// ByCertificate reports whether somebody who scrapes has to show a certificate.
func ByCertificate(c *cluster.Cluster) bool {
	if c.TLS != cluster.Mutual {
		return false
	}
	for _, t := range Targets(c) {
		if t.Scheme == "https" {
			return true
		}
	}
	return c.BackupContained()
}

// Files are what Prometheus reads: paths as it sees them.
type Files struct {
	Certificate string // folder with ca.crt, tls.crt and tls.key
	Rules       string // the rule file; empty for none
	// OnHost tells that it runs on the machine of the containers, and not on their network:
	// it asks at the ports that are published there, see Published.
	OnHost bool
}

// Published tells whether a program on the machine of the members' containers reaches all
// of them, at the ports for clients.
func Published(c *cluster.Cluster) bool {
	for _, m := range c.Members {
		if !m.Published().IsValid() {
			return false
		}
	}
	return len(c.Members) > 0 && !c.SpansMachines()
}

// InNetwork names the members whose names only their network knows: whoever is to scrape
// them there has to be on it.
func InNetwork(c *cluster.Cluster) []string {
	var all []string
	for _, t := range Targets(c) {
		if host, _, err := net.SplitHostPort(t.Address); err == nil && host == t.Member {
			all = append(all, t.Member)
		}
	}
	return all
}

// targets are where the members are reached from where the files are read.
func (f Files) targets(c *cluster.Cluster) []Target {
	all := Targets(c)
	if !f.OnHost || !Published(c) {
		return all
	}
	for i, m := range c.Members {
		all[i] = Target{m.Name, clientScheme(m), m.Published().String()}
	}
	return all
}

// clientScheme is http or https.
func clientScheme(m cluster.Member) string {
	scheme, _, _ := strings.Cut(m.ClientURL(), "://")
	return scheme
}

type scrapeConfig struct {
	JobName string         `yaml:"job_name"`
	Honor   bool           `yaml:"honor_labels,omitempty"`
	Scheme  string         `yaml:"scheme"`
	TLS     *tlsConfig     `yaml:"tls_config,omitempty"`
	Static  []staticConfig `yaml:"static_configs"`
}

type tlsConfig struct {
	CA       string `yaml:"ca_file,omitempty"`
	Cert     string `yaml:"cert_file,omitempty"`
	Key      string `yaml:"key_file,omitempty"`
	Insecure bool   `yaml:"insecure_skip_verify,omitempty"`
}

type staticConfig struct {
	Targets []string          `yaml:"targets"`
	Labels  map[string]string `yaml:"labels"`
}

func scrape(c *cluster.Cluster, files Files) scrapeConfig {
	s := scrapeConfig{JobName: job, Scheme: "http"}
	for _, t := range files.targets(c) {
		s.Scheme = t.Scheme
		s.Static = append(s.Static, staticConfig{[]string{t.Address}, map[string]string{"cluster": c.Name, "member": t.Member}})
	}
	switch {
	case s.Scheme != "https":
	case c.TLS == cluster.AutoTLS:
		s.TLS = &tlsConfig{Insecure: true}
	default:
		s.TLS = files.tls()
	}
	return s
}

// tls is what is shown to who asks for a certificate.
func (f Files) tls() *tlsConfig {
	dir := strings.TrimSuffix(f.Certificate, "/")
	return &tlsConfig{CA: dir + "/ca.crt", Cert: dir + "/tls.crt", Key: dir + "/tls.key"}
}

// scrapes are the members, and whoever takes the backups where that can be asked.
func scrapes(c *cluster.Cluster, files Files) []scrapeConfig {
	all := []scrapeConfig{scrape(c, files)}
	at := c.BackupMetrics()
	if at == "" || files.OnHost && c.BackupContained() { // which publishes nothing
		return all
	}
	s := scrapeConfig{
		JobName: backupJob, Honor: true, Scheme: "http", // it says of which cluster they are
		Static: []staticConfig{{[]string{at}, map[string]string{"cluster": c.Name}}},
	}
	if c.BackupContained() && c.TLS == cluster.Mutual {
		s.Scheme, s.TLS = "https", files.tls()
	}
	return append(all, s)
}

// Prometheus renders a configuration that scrapes a cluster's members.
func Prometheus(c *cluster.Cluster, files Files) ([]byte, error) {
	type global struct {
		Scrape   string `yaml:"scrape_interval"`
		Evaluate string `yaml:"evaluation_interval"`
	}
	config := struct {
		Global global         `yaml:"global"`
		Rules  []string       `yaml:"rule_files,omitempty"`
		Scrape []scrapeConfig `yaml:"scrape_configs"`
	}{Global: global{"15s", "15s"}, Scrape: scrapes(c, files)}
	if files.Rules != "" {
		config.Rules = []string{files.Rules}
	}
	return marshal("Prometheus for the cluster "+c.Name+", made by etcdctr.", config)
}

// OpenTelemetry renders a configuration of a collector that receives the metrics of
// a cluster's members and passes them on by OTLP, to where its environment says.
func OpenTelemetry(c *cluster.Cluster, files Files) ([]byte, error) {
	return marshal("OpenTelemetry collector for the cluster "+c.Name+", made by etcdctr.", object{
		"receivers":  object{"prometheus": object{"config": object{"scrape_configs": scrapes(c, files)}}},
		"processors": object{"batch": object{}},
		"exporters":  object{"otlp": object{"endpoint": "${env:OTEL_EXPORTER_OTLP_ENDPOINT}"}},
		"service": object{"pipelines": object{"metrics": object{
			"receivers": []string{"prometheus"}, "processors": []string{"batch"}, "exporters": []string{"otlp"},
		}}},
	})
}

package monitoring

import (
	"fmt"

	"github.com/etcdctr/etcdctr/cluster"
)

// Program is one that reads what is known of a cluster, or a part of one.
type Program string

// The programs that files are made for.
const (
	ForPrometheus    Program = "prometheus" // its configuration
	ForRules         Program = "rules"      // its recording rules and alerts
	ForGrafana       Program = "grafana"
	ForOpenTelemetry Program = "otel"
)

// Programs are all of them, in the order of use.
func Programs() []Program { return []Program{ForPrometheus, ForRules, ForGrafana, ForOpenTelemetry} }

// Scrapes tells whether it asks the members, and may need a certificate for that.
func (p Program) Scrapes() bool { return p == ForPrometheus || p == ForOpenTelemetry }

// Print gives what a program reads about a cluster.
func Print(p Program, c *cluster.Cluster, files Files) ([]byte, error) {
	switch p {
	case ForPrometheus:
		return Prometheus(c, files)
	case ForRules:
		return Rules(c.Etcd)
	case ForGrafana:
		return Grafana(c.Etcd)
	case ForOpenTelemetry:
		return OpenTelemetry(c, files)
	}
	return nil, fmt.Errorf("%q is none of %v", p, Programs())
}

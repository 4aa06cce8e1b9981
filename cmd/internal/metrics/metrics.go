// Package metrics puts off the registration of metrics until a program turns out
// to be one that is asked for them.
//
// etcd's packages register more than a hundred as they are initialised. For each a
// goroutine runs, and until main begins the main one is bound to a thread that it
// then has to give up: a fifth of the time of a short command.
//
// Import it for its effect. Where dependencies leave the choice, packages are
// initialised in the order of their import paths, so this one comes before all
// of etcd's. Source: https://go.dev/ref/spec#Program_initialization
package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

var kept = postponed{registry: prometheus.DefaultRegisterer}

func init() { prometheus.DefaultRegisterer = &kept }

// Register registers what was put off, and from here on at once.
func Register() {
	prometheus.DefaultRegisterer = kept.registry
	kept.release()
}

// postponed is a registry that keeps what it is given for another one.
type postponed struct {
	registry   prometheus.Registerer
	collectors []prometheus.Collector
}

// release gives the other registry what was kept for it.
func (p *postponed) release() {
	p.registry.MustRegister(p.collectors...)
	p.collectors = nil
}

func (p *postponed) Register(c prometheus.Collector) error {
	p.MustRegister(c)
	return nil
}

func (p *postponed) MustRegister(cs ...prometheus.Collector) {
	p.collectors = append(p.collectors, cs...)
}

func (p *postponed) Unregister(c prometheus.Collector) bool {
	before := len(p.collectors)
	p.collectors = slices.DeleteFunc(p.collectors, func(other prometheus.Collector) bool { return other == c })
	return len(p.collectors) < before
}

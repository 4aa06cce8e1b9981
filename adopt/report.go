package adopt

import (
	"context"
	"slices"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/lint"
)

// Report is a plan as scripts read it.
type Report struct {
	File        string                `json:"file,omitempty"` // what would be written
	Findings    []lint.Finding        `json:"findings"`       // of what is there
	Remaining   []lint.Finding        `json:"remaining"`      // that are true of what takes over, too
	Differences []Difference          `json:"differences"`
	Way         Way                   `json:"way,omitempty"`
	Why         string                `json:"why,omitempty"` // no way that interrupts less is taken
	Steps       []converge.StepReport `json:"steps"`
	Neighbors   []NeighborReport      `json:"neighbors,omitempty"` // which find members on a network that they share
	Moved       []string              `json:"moved,omitempty"`     // URLs at which clients reach members, and nobody answers then
	Done        bool                  `json:"done"`
	Members     map[string]string     `json:"members"` // what they are doing
	Errors      map[string]string     `json:"errors,omitempty"`
}

// NeighborReport is a Neighbor as scripts read it.
type NeighborReport struct {
	Container string   `json:"container"`
	Networks  []string `json:"networks"`
}

// Difference is a setting that will be otherwise.
type Difference struct {
	Member string `json:"member,omitempty"` // empty: all
	Name   string `json:"name"`
	Was    string `json:"was"`
	Is     string `json:"is"`
}

// Report gives the plan for scripts.
func (p Plan) Report() Report {
	r := Report{
		File: p.File, Findings: p.Stack.Findings(), Remaining: p.Remaining, Way: p.Way, Why: p.Why, Steps: p.Steps.Report(), Done: p.Done,
		Differences: []Difference{}, Members: map[string]string{}, Errors: map[string]string{},
	}
	if len(p.Stack.Neighbors) > 0 {
		r.Moved = p.Stack.Moved(p.Want)
	}
	for _, n := range p.Stack.Neighbors {
		r.Neighbors = append(r.Neighbors, NeighborReport{n.Container, n.Networks})
	}
	for _, m := range p.Stack.Members {
		r.Members[m.Name] = m.Detail
		if m.Error != "" {
			r.Errors[m.Name] = m.Error
		}
	}
	for _, change := range Differences(p.Stack, p.Want) {
		for _, d := range change.Differences {
			r.Differences = append(r.Differences, Difference{change.Server, d.Name, d.Was, d.Is})
		}
	}
	return r
}

// Remaining are the findings that lint would still have once a cluster has taken over:
// those by rules that it breaks itself.
func Remaining(ctx context.Context, s *Stack, want *cluster.Cluster) ([]lint.Finding, error) {
	broken, err := brokenBy(ctx, want)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(s.Findings(), func(f lint.Finding) bool { return !broken[f.Rule] }), nil
}

// brokenBy are the rules that a cluster of ours breaks.
func brokenBy(ctx context.Context, want *cluster.Cluster) (map[string]bool, error) {
	name, text := "Procfile", compose.Procfile(want, "etcd")
	if !want.Runtime.RunsPrograms() {
		var err error
		name = "docker-compose.yml"
		if text, err = compose.Marshal(ctx, want, compose.Project(want, compose.Options{CertsDir: "./certs", DNSDir: "./dns", MonitoringDir: "./monitoring"})); err != nil {
			return nil, err
		}
	}
	described, err := lint.Read([]lint.Input{{Name: name, Data: text}}, lint.Options{})
	broken := map[string]bool{}
	for _, d := range described {
		for _, f := range lint.Check(d) {
			broken[f.Rule] = true
		}
		for _, m := range d.Members {
			m.Ours = false // what was chosen counts here, too
		}
		for _, f := range lint.Check(d) {
			rule, _ := lint.RuleByID(f.Rule)
			broken[f.Rule] = broken[f.Rule] || rule.Choice
		}
	}
	return broken, err
}

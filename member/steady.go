package member

import (
	"fmt"
	"slices"
)

// Flaw is a kind of reason why a cluster is not steady.
type Flaw string

// The kinds of flaws.
const (
	SeveralClusters Flaw = "several clusters" // those who answer are not of one
	Leaderless      Flaw = "leaderless"       // no leader that all agree on
	Away            Flaw = "away"             // a member does not answer
	NotServing      Flaw = "not serving"      // a voter answers and does not serve
	Lagging         Flaw = "lagging"          // a member is not in step
	Learning        Flaw = "learning"         // a member has no vote yet
	NeverStarted    Flaw = "never started"    // etcd counts a member that never ran
	NoMember        Flaw = "no member"        // an endpoint answers for none of the members
	Alarmed         Flaw = "alarmed"          // an alarm is raised
	Complaining     Flaw = "complaining"      // a member names an error
)

// Reason is one thing that keeps a cluster from being steady.
type Reason struct {
	Member string // the endpoint's name, or the member's; empty for the whole cluster
	Flaw   Flaw
	// Details are for people: what is the matter, after the member's name.
	Details string
}

// String is the reason as one sentence, in small letters.
func (r Reason) String() string {
	if r.Member == "" {
		return r.Details
	}
	return r.Member + " " + r.Details
}

// Steady tells whether the next step of a change may begin: see Unsteady.
func (v View) Steady() bool { return len(v.Unsteady()) == 0 }

// Unsteady gives all that keeps the cluster from being steady: every member
// answers, follows one leader, has carried out what that had committed, serves
// and has no complaint, and there is no alarm. Endpoints that refuse connections
// and are no members do not count: they may be about to be added.
//
// A steady cluster may still refuse to change its members for some seconds,
// which no question tells beforehand: see ErrUnhealthy.
func (v View) Unsteady() []Reason {
	if clusters := v.Clusters(); len(clusters) > 1 {
		return []Reason{{Flaw: SeveralClusters, Details: fmt.Sprintf("%d clusters answer instead of one", len(clusters))}}
	}
	var reasons []Reason
	if _, ok := v.Leader(); !ok {
		reasons = append(reasons, Reason{Flaw: Leaderless, Details: "no leader that all members agree on"})
	}
	for _, m := range v.Members {
		reasons = append(reasons, v.flaws(m)...)
	}
	reasons = append(reasons, v.strangers()...)
	for _, a := range v.Alarms() {
		reasons = append(reasons, Reason{v.NameOf(a.Member), Alarmed, fmt.Sprintf("has raised the alarm %s", a.Kind)})
	}
	return reasons
}

// flaws are what is the matter with one member.
func (v View) flaws(m Member) []Reason {
	e := v.endpointOf(m)
	name := e.Name
	switch {
	case !m.Started() && !e.Answers():
		return []Reason{{m.String(), NeverStarted, "has never started"}}
	case !e.Answers():
		return []Reason{{name, Away, "does not answer" + colon(e.Details)}}
	}
	var reasons []Reason
	if m.Learner {
		reasons = append(reasons, Reason{name, Learning, "has no vote yet"})
	} else if !e.Serves() {
		reasons = append(reasons, Reason{name, NotServing, "does not serve" + colon(e.ReadDetails)})
	}
	if behind, _ := v.Behind(name); behind > 0 {
		reasons = append(reasons, Reason{name, Lagging, fmt.Sprintf("is %d raft entries behind", behind)})
	}
	for _, text := range e.Errors {
		reasons = append(reasons, Reason{name, Complaining, "says: " + text})
	}
	return reasons
}

// strangers are endpoints that answer and are no members.
func (v View) strangers() []Reason {
	var reasons []Reason
	for _, e := range v.Endpoints {
		if !e.Answers() {
			continue
		}
		if !slices.ContainsFunc(v.Members, func(m Member) bool { return m.ID == e.ID }) {
			reasons = append(reasons, Reason{e.Name, NoMember, "answers and is no member: it was removed, or its data is another's"})
		}
	}
	return reasons
}

func colon(details string) string {
	if details == "" {
		return ""
	}
	return ": " + details
}

package converge

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// Steps are what is going to be done, in order.
type Steps []Step

// Found tells whether a new cluster is founded: all members are started at once, and none
// has data.
func (s Steps) Found() bool {
	return slices.ContainsFunc(s, func(step Step) bool { return step.Kind == Apply && len(step.Servers) == 0 })
}

// StepReport is a step as scripts read it.
type StepReport struct {
	Kind    string   `json:"kind"`
	Servers []string `json:"servers,omitempty"`
	To      string   `json:"to,omitempty"` // the member that leads then, or a version
	Cause   string   `json:"cause,omitempty"`
	Notice  string   `json:"notice,omitempty"` // what clients notice
	Seconds float64  `json:"seconds,omitempty"`
}

// Report gives the steps for scripts: an empty list for none.
func (s Steps) Report() []StepReport {
	reports := []StepReport{}
	for _, step := range s {
		r := StepReport{Kind: string(step.Kind), Servers: step.Servers, To: step.To, Cause: step.Cause, Seconds: step.Takes.Seconds()}
		if step.Notice.Kind != "" {
			r.Notice = step.Notice.String()
		}
		reports = append(reports, r)
	}
	return reports
}

// most bounds a plan, and a run: the largest change of nine members over all
// releases takes fewer steps, and users and roles at most two each.
func (s Situation) most() int {
	steps := 500
	if s.Want != nil && s.Want.Auth != nil {
		steps += 2 * (len(s.Want.Auth.Users) + len(s.Want.Auth.Roles))
	}
	if s.Access != nil {
		steps += len(s.Access.Users) + len(s.Access.Roles)
	}
	return steps
}

// Plan tells what will be done if all goes well: Next, folded over
// Situation.After. Its error is a Refusal, with the steps that come before it; a
// refusal of the first step is one of everything. It is an EndlessError where steps
// would be repeated for ever, and the steps are those up to their first round.
func Plan(s Situation) (Steps, error) {
	if s.Etcd == nil {
		s.Etcd = new(member.View)
	}
	var steps Steps
	for most := s.most(); len(steps) < most; {
		step, more, err := Next(s)
		switch {
		case err != nil:
			return steps, err
		case more:
			steps = append(steps, step)
			s = s.After(step)
		case len(s.Then) > 0:
			s = s.further()
		default:
			return steps, nil
		}
	}
	steps = steps.once()
	return steps, &EndlessError{Last: steps[len(steps)-1]}
}

// EndlessError tells that no plan leads on from a step: as far as can be told, nothing
// would come of it. What does, is seen by whoever does it.
type EndlessError struct{ Last Step }

func (e *EndlessError) Error() string {
	return fmt.Sprintf("what comes after %q is only known once that is done", e.Last.Short())
}

// once leaves out what is repeated at the end.
func (s Steps) once() Steps {
	for round := 1; round <= len(s)/2; round++ {
		end := len(s)
		for end > round && s[end-1].Short() == s[end-1-round].Short() {
			end--
		}
		if len(s)-end >= round {
			return s[:end]
		}
	}
	return s
}

// further goes on to what ought to run next.
func (s Situation) further() Situation {
	was := s.Want
	s = s.clone()
	s.Want, s.Then = s.Then[0], s.Then[1:]
	s.Changes = nil
	for _, m := range s.Want.Members {
		d := runtime.Difference{Name: "etcd", Was: was.Etcd.String(), Is: s.Want.Etcd.String()}
		if was.Bridge {
			d = runtime.Difference{Name: "clients", Was: "with and without TLS", Is: string(s.Want.TLS)}
		}
		s.Changes = append(s.Changes, runtime.Change{Server: m.Name, Kind: differs, Differences: []runtime.Difference{d}})
	}
	return s
}

// Takes is about how long all steps take.
func (s Steps) Takes() time.Duration {
	var all time.Duration
	for _, step := range s {
		all += step.Takes
	}
	return all
}

// String lists the steps, one a line.
func (s Steps) String() string {
	var b strings.Builder
	for i, step := range s {
		fmt.Fprintf(&b, "%2d. %s\n", i+1, step)
	}
	return b.String()
}

// String tells the step, why it is done and what clients notice.
func (s Step) String() string {
	text := string(s.Kind)
	if s.Kind == MoveLeader {
		text += fmt.Sprintf(" from %s to %s", strings.Join(s.Servers, ", "), s.To)
	} else {
		text += s.objects()
	}
	if s.Cause != "" {
		text += ": " + s.Cause
	}
	if s.Notice.Kind != "" {
		text += " (" + s.Notice.String() + ")"
	}
	return text
}

// About names what the step is about, servers or a user or role of etcd's; empty for
// the cluster.
func (s Step) About() string {
	if s.Kind.aboutUsers() {
		return s.To
	}
	return strings.Join(s.Servers, ", ")
}

// objects are what a step is about, after its kind.
func (s Step) objects() string {
	var text string
	switch named := strings.Join(s.Servers, ", "); {
	case named != "":
		text = " " + named
	case s.Member != 0:
		text = " " + s.Member.String()
	case s.Kind == Apply, s.Kind == Remove, s.Kind == Delete:
		text = " all"
	}
	if s.To != "" {
		text += " " + strings.TrimPrefix(s.To, "v")
	}
	return text
}

// String tells what clients notice, for people.
func (n Notice) String() string {
	if n.For == 0 {
		return string(n.Kind)
	}
	return fmt.Sprintf("%s for about %s", n.Kind, n.For)
}

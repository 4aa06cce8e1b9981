package converge

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file brings other settings to members that serve: one after the other,
// the leader last. All members serve.

// serveMembers sees to the services that members need before any member.
func (c *scene) serveMembers() (*Step, error) {
	if !c.quorum && len(c.those((*part).holds)) == 0 {
		return nil, nil // all are started together
	}
	for _, p := range c.services() {
		stopped := p.there && !p.server.Runs() && !slices.Contains([]runtime.Status{runtime.Restarting, runtime.Absent}, p.server.Status) &&
			(p.change == nil || p.change.Kind != runtime.Leave) // of one that is absent there is data, which stays where it is not wanted
		changed := p.change != nil && (p.change.Kind == missing || p.change.Kind == differs)
		if p.late() && !c.allServe() {
			continue
		}
		if (changed || stopped) && !c.done(p.name, Apply) {
			return &Step{Kind: Apply, Servers: []string{p.name}, Cause: cause(p, "it does not run"), Takes: endTakes}, nil
		}
	}
	return nil, nil
}

// late: it waits for the members, and they may wait for what comes before it.
func (p *part) late() bool { return p.server.Late || p.change != nil && p.change.Late }

func (c *scene) allServe() bool {
	return c.quorum && len(c.those((*part).isWanted, not((*part).serves))) == 0
}

// roll brings about one change of a member that serves.
func (c *scene) roll() (*Step, error) {
	return c.rollOne(c.those((*part).isWanted, (*part).isVoter, func(p *part) bool { return p.differs() || c.moves(p) }))
}

// introduce has members that look no names up know those that are to come.
func (c *scene) introduce() (*Step, error) {
	if len(c.those((*part).isWanted, not((*part).isCounted))) == 0 {
		return nil, nil
	}
	return c.rollOne(c.those((*part).isWanted, (*part).isVoter, (*part).knowsOthers))
}

// knowsOthers: it differs in whom it knows.
func (p *part) knowsOthers() bool {
	return p.differs() && slices.ContainsFunc(p.change.Differences, func(d runtime.Difference) bool { return d.Name == runtime.Hosts })
}

func (c *scene) rollOne(changed []*part) (*Step, error) {
	if len(changed) == 0 {
		return nil, nil
	}
	if step := c.steady(); step != nil {
		return step, nil
	}
	p := c.leaderLast(changed)[0]
	if p.differs() && c.forgets(p) {
		return c.renew(p)
	}
	if !p.differs() { // it listens there by now
		return &Step{Kind: UpdatePeers, Servers: []string{p.name}, Member: p.member.ID, Cause: "the others reach it elsewhere"}, nil
	}
	if step := c.handOver(p, "before it stops"); step != nil {
		return step, nil
	}
	return c.end([]*part{p}, p.change.String(), c.grace(p)), nil
}

// renew replaces a member by a new one, where what it has is gone once it stops.
func (c *scene) renew(p *part) (*Step, error) {
	if c.voters() == 1 {
		return nil, c.onlyInMemory(p)
	}
	if joining := c.those((*part).isLearner); len(joining) > 0 {
		return nil, &Refusal{
			Server: p.name, Reason: fmt.Sprintf("a new member has to take its place, and %s has not become one yet", joining[0]),
			Remedy: Remedy{Command: []string{"up"}, Text: "finishes that"},
		}
	}
	why := "its data is in memory"
	if p.change != nil && p.change.Anew {
		why = p.change.String()
	}
	return c.drop(p, why+": a new member takes its place")
}

func (c *scene) onlyInMemory(p *part) *Refusal {
	if p.change != nil && p.change.Anew {
		return &Refusal{
			Server: p.name, Reason: "no other member has its data, which would stay where it is: " + p.change.String(),
			Remedy: Remedy{Text: "add a member first, and leave it out once it is there"},
		}
	}
	return &Refusal{
		Server: p.name, Reason: "its data is in memory, no other member has it, and it would be gone",
		Remedy: Remedy{Text: "`etcdctr down` and `etcdctr up` start a new, empty cluster if that is meant"},
	}
}

// grace is how long a member gets to stop. One that leads no more and that the
// quorum can do without would wait for its clients' streams for 7 to 8 s, and they
// break in the end; its log is on disk. What it was asked before it has to answer,
// and that takes many times as long as a read where disks or the network are slow.
func (c *scene) grace(p *part) time.Duration {
	if !c.canStop(p) || c.leads(p) {
		return 0
	}
	return c.haste()
}

// haste is the time in which a member answers what it was asked before.
func (c *scene) haste() time.Duration {
	var slowest time.Duration
	for _, e := range c.view.Endpoints {
		slowest = max(slowest, e.Latency)
	}
	return min(max(leastGrace, slowest*readsPerAnswer), mostGrace)
}

// end stops servers.
func (c *scene) end(parts []*part, cause string, grace time.Duration) *Step {
	step := &Step{Kind: End, Servers: names(parts), Cause: cause, Grace: grace, Takes: endTakes}
	for _, p := range parts {
		switch {
		case !p.isVoter() || !p.serves():
		case c.canStop(p) && len(parts) == 1:
			step.Notice = Notice{Kind: Reopen}
		case c.Asked.Verb == Stop || c.Asked.Verb == Down:
			step.Notice = Notice{Kind: Silence} // until somebody starts them
		default:
			step.Notice = Notice{Kind: Silence, For: endTakes + StartTakes}
		}
	}
	return step
}

// steady gives the wait for all to follow one leader, in step, or nil.
func (c *scene) steady() *Step {
	for _, r := range c.view.Unsteady() {
		switch r.Flaw {
		case member.Leaderless, member.Lagging:
			return &Step{Kind: AwaitSteady, Cause: r.String(), Takes: electTakes}
		}
	}
	return nil
}

// handOver lets another member lead before one is touched, if there is another.
func (c *scene) handOver(p *part, why string) *Step {
	if !c.leads(p) || c.voters() == 1 {
		return nil
	}
	to := c.successor(p)
	if to == nil {
		return nil
	}
	return &Step{
		Kind: MoveLeader, Servers: []string{p.name}, Member: p.member.ID, To: to.name, Cause: why,
		Notice: Notice{Kind: Wait, For: handoverGap},
	}
}

// successor is the member that ought to lead next: one that stays as it is, and of those
// the quickest, as etcd drops what it is asked for until that one leads.
func (c *scene) successor(p *part) *part {
	others := c.those((*part).isVoter, (*part).serves, func(o *part) bool { return o != p })
	if len(others) == 0 {
		return nil
	}
	return slices.MinFunc(others, func(a, b *part) int {
		return cmp.Or(cmp.Compare(c.unrest(a), c.unrest(b)), cmp.Compare(a.end.Latency, b.end.Latency))
	})
}

// unrest is how soon a member has to go itself.
func (c *scene) unrest(p *part) int {
	touched := p.differs() || c.moves(p) || c.Asked.Verb == Restart && !c.restarted(p) || c.Asked.Verb == Stop && c.asksFor(p)
	return 2*b2i(!p.wanted || c.isLost(p)) + b2i(touched)
}

func (c *scene) leaderLast(parts []*part) []*part {
	slices.SortStableFunc(parts, func(a, b *part) int { return cmp.Compare(b2i(c.leads(a)), b2i(c.leads(b))) })
	return parts
}

package converge

import (
	"fmt"
	"slices"

	"github.com/etcdctr/etcdctr/runtime"
)

// This file is about who the members are. There is a quorum.

// startIdle starts members that have their data and do not run.
func (c *scene) startIdle() (*Step, error) {
	var anew, asIs []*part
	for _, p := range c.those((*part).isWanted, (*part).isCounted, (*part).holds) {
		switch {
		case p.runs() || p.away() || p.server.Status == runtime.Restarting || p.stale() || c.isLost(p):
		case c.started(p.name):
			return c.awaitServing([]*part{p}, "it has been started"), nil
		case p.server.Status != runtime.Absent && c.asIs(p):
			asIs = append(asIs, p)
		case c.Asked.Verb.leaves():
			return nil, &Refusal{Server: p.name, Reason: "nothing but its data is there", Remedy: Remedy{Command: []string{"up"}, Text: "starts it"}}
		case c.leavesRelease(p):
			return nil, &Refusal{
				Server: p.name, Reason: fmt.Sprintf("it has to start with the release that the others run, before %s", c.Want.Etcd),
				Remedy: Remedy{Command: []string{"up"}, Text: "with the release that runs, first"},
			}
		default:
			anew = append(anew, p)
		}
	}
	switch {
	case len(asIs) > 0:
		return &Step{Kind: Begin, Servers: names(asIs), Cause: "it does not run", Takes: StartTakes}, nil
	case len(anew) > 0:
		return &Step{Kind: Apply, Servers: names(anew), Cause: cause(anew[0], "it does not run"), Takes: StartTakes}, nil
	}
	return nil, nil
}

// cause is a change, or what stands for it.
func cause(p *part, otherwise string) string {
	if p.differs() {
		return p.change.String()
	}
	return otherwise
}

// stale: it has data, and etcd counts a new member in its place.
func (p *part) stale() bool {
	return p.counted && !p.published() && !p.runs() && (p.member.Learner || p.server.Status == runtime.Ended)
}

// applyUnwell gives members that don't serve in any case their new settings.
func (c *scene) applyUnwell() (*Step, error) {
	var list []*part
	for _, p := range c.those((*part).isWanted, (*part).isCounted, (*part).differs, (*part).busy, not((*part).serves)) {
		if c.done(p.name, Apply, Join) || c.forgets(p) || c.leavesRelease(p) || !p.holds() || c.inStep(p) {
			continue
		}
		if p.unclear() {
			return nil, c.unsure(p)
		}
		list = append(list, p)
	}
	list, step := c.oneBlind(list)
	if len(list) == 0 || step != nil {
		return step, nil
	}
	return &Step{Kind: Apply, Servers: names(list), Cause: list[0].change.String(), Takes: StartTakes}, nil
}

// oneBlind gives those of members that don't serve which may be touched at once.
// Members that don't see their certificates are heard by nobody new and may have
// their part in the quorum all the same: one by one, after the others.
func (c *scene) oneBlind(parts []*part) ([]*part, *Step) {
	seeing := slices.DeleteFunc(slices.Clone(parts), (*part).blind)
	if len(seeing) > 0 || len(parts) == 0 {
		return seeing, nil
	}
	others := c.those((*part).isVoter, not((*part).serves), not((*part).blind))
	if running := slices.DeleteFunc(slices.Clone(others), not((*part).runs)); len(running) > 0 {
		return nil, c.awaitServing(running, fmt.Sprintf("%s is not touched before it serves", parts[0]))
	}
	if len(others) > 0 {
		return nil, nil // they have to be started, or replaced, before
	}
	return parts[:1], nil
}

// inStep: a learner never serves, and is well all the same.
func (c *scene) inStep(p *part) bool { return p.isLearner() && p.end.Answers() }

// isLost: etcd counts it as one that ran, and it has nothing of that any more; or
// somebody says so. A member that would start with nothing, where what it runs
// with changes, is one of them.
func (c *scene) isLost(p *part) bool {
	switch {
	case !p.counted || !p.wanted:
		return false
	case c.Asked.Verb == Replace && slices.Contains(c.Asked.Servers, p.name):
		return !c.renewed(p)
	case p.serves():
		return false
	case p.published():
		return !p.holds() || c.forgets(p) && p.differs() && !p.runs()
	}
	return p.stale() && !p.member.Learner
}

// renewed: this run has replaced it.
func (c *scene) renewed(p *part) bool { return c.done(p.name, AddLearner) }

// dropLost removes members that lost their data, or are said to have: never does
// one start empty in its old identity. It is added again afterwards.
func (c *scene) dropLost() (*Step, error) {
	lost := c.those(c.isLost, not((*part).serves))
	if len(lost) == 0 {
		return nil, nil
	}
	if lost[0].holds() || c.ended(lost[0].name) {
		return c.drop(lost[0], "a new member takes its place")
	}
	return c.drop(lost[0], "it has lost its data, and must not start empty in its old identity")
}

// dropForgotten removes members that this run has stopped and whose data went
// with that: new ones take their place.
func (c *scene) dropForgotten() (*Step, error) {
	forgotten := c.those((*part).isCounted, (*part).published, not((*part).serves), c.forgets, func(p *part) bool { return c.ended(p.name) })
	if len(forgotten) == 0 {
		return nil, nil
	}
	return c.drop(forgotten[0], "a new member takes its place")
}

// dropAsked removes a member that serves, for a new one in its place. All others
// serve, and those that were replaced before have the same data.
func (c *scene) dropAsked() (*Step, error) {
	asked := c.leaderLast(c.those(c.isLost, (*part).serves))
	if len(asked) == 0 {
		return nil, nil
	}
	return c.drop(asked[0], "a new member takes its place")
}

// dropDead removes members that are not wanted and don't serve, first of all:
// etcd adds none while one is down.
func (c *scene) dropDead() (*Step, error) {
	dead := c.those((*part).isCounted, not((*part).isWanted), not((*part).serves))
	if len(dead) == 0 {
		return nil, nil
	}
	return c.drop(dead[0], "it is not wanted any more")
}

// dropUnwanted removes members that serve, the leader last.
func (c *scene) dropUnwanted() (*Step, error) {
	unwanted := c.leaderLast(c.those((*part).isCounted, not((*part).isWanted)))
	if len(unwanted) == 0 {
		return nil, nil
	}
	if step := c.steady(); step != nil {
		return step, nil
	}
	return c.drop(unwanted[0], "it is not wanted any more")
}

// drop removes a member, once another one leads and its clients have gone to the
// others: what a member has passed on to its leader is lost when it is removed
// while it serves.
func (c *scene) drop(p *part, why string) (*Step, error) {
	if !c.canRemove(p) {
		if electing := c.electing(p); len(electing) > 0 {
			return c.awaitServing(electing, electionCause), nil
		}
		return nil, &Refusal{
			Server: p.name,
			Reason: "it cannot be removed: the members that serve would have no quorum without it",
			Remedy: Remedy{Command: []string{"doctor"}, Text: "says what is the matter with the others"},
		}
	}
	if step := c.handOver(p, "before it is removed"); step != nil {
		return step, nil
	}
	if p.serves() && p.runs() && c.canStop(p) {
		return c.end([]*part{p}, why, c.grace(p)), nil
	}
	step := &Step{Kind: RemoveMember, Servers: []string{p.name}, Member: p.member.ID, Cause: why, Takes: endTakes}
	if p.serves() {
		step.Notice = Notice{Kind: Reopen}
	}
	return step, nil
}

// electionCause is why members are waited for that choose a leader.
const electionCause = "they choose a leader"

// mayElect: it answers and does not serve, as members do that choose a leader. Each is
// waited for once.
func (c *scene) mayElect(p *part) bool {
	return p.end.Answers() && !p.serves() && !c.done(p.name, AwaitServing)
}

// electing are members that may choose a leader, and would be a quorum without another one:
// that one may be the leader that was lost a moment ago.
func (c *scene) electing(but *part) []*part {
	others := c.those((*part).isVoter, func(o *part) bool { return o != but })
	electing := slices.DeleteFunc(slices.Clone(others), not(c.mayElect))
	if len(electing)+c.servingBut(but) <= len(others)/2 {
		return nil
	}
	return electing
}

// makeWay stops the servers of members that are none any more, where others take their
// addresses. One that is removed while it serves ends in order, and its runtime may
// start it again: it would hold the ports.
func (c *scene) makeWay() (*Step, error) {
	for _, p := range c.those((*part).isThere, not((*part).isWanted), not((*part).isCounted), not((*part).away)) {
		returns := c.done(p.name, RemoveMember) && !c.done(p.name, End)
		takers := c.those((*part).isWanted, func(o *part) bool { return o.takesAddressOf(p) })
		if len(takers) > 0 && (p.busy() || returns) {
			return c.end([]*part{p}, fmt.Sprintf("it is no member any more, and %s takes its address", takers[0]), shortly), nil
		}
	}
	return nil, nil
}

// takesAddressOf: it is to be where another server is, for peers or for clients.
func (p *part) takesAddressOf(o *part) bool {
	peer, client := p.spec.PeerURL(), p.spec.ClientURL()
	return peer != "" && peer == o.server.PeerURL() || client != "" && client == o.server.ClientURL() || p.takesPortOf(o)
}

// takesPortOf: it is to be published where another server is.
func (p *part) takesPortOf(o *part) bool {
	host := ""
	if p.spec.Host.IsValid() {
		host = p.spec.Host.String()
	}
	at := p.spec.Published()
	return at.IsValid() && slices.Contains(o.server.Published, at.String()) && (o.server.Host == "" || host == "" || o.server.Host == host)
}

// join starts a member that etcd counts and that has never run.
func (c *scene) join() (*Step, error) {
	for _, p := range c.those((*part).isWanted, (*part).isCounted, not((*part).published), not((*part).serves)) {
		switch {
		case p.away():
			return nil, c.awayRefusal(p)
		case p.runs() && (p.holds() || c.started(p.name)), p.isLearner() && c.started(p.name):
			continue // promote and await see to it
		case c.started(p.name):
			return c.awaitServing([]*part{p}, "it has been started"), nil
		case c.Want == nil:
			return nil, c.needsUp(p)
		case p.busy():
			return c.end([]*part{p}, "it has to join the cluster that is there", shortly), nil
		case p.holds() && p.member.Learner:
			return c.setAside(p), nil
		case p.holds():
			continue
		}
		return &Step{Kind: Join, Servers: []string{p.name}, Member: p.member.ID, Cause: "it is counted as a member, and has never run", Takes: joinTakes}, nil
	}
	return nil, nil
}

func (c *scene) needsUp(p *part) *Refusal {
	return &Refusal{
		Server: p.name, Reason: "it has no data, and has to join the cluster as a new member",
		Remedy: Remedy{Command: []string{"up"}, Text: "lets it"},
	}
}

// promote gives a learner its vote; who does so waits until it is in step and
// alive. One that does not run yet and is started, by this run or by what runs it, is waited
// for as well: that it serves, for which others are waited for, no learner ever does.
func (c *scene) promote() (*Step, error) {
	learners := c.those((*part).isWanted, (*part).isLearner, func(p *part) bool { return p.busy() || p.there && c.started(p.name) })
	if len(learners) == 0 {
		return nil, nil
	}
	p := learners[0]
	return &Step{Kind: Promote, Servers: []string{p.name}, Member: p.member.ID, Cause: "it is a learner", Takes: joinTakes}, nil
}

// await lets nothing else begin before all members serve.
func (c *scene) await() (*Step, error) {
	parts := c.those((*part).isVoter, (*part).isWanted, not((*part).serves), func(p *part) bool {
		return c.Asked.Verb != Start || c.asksFor(p)
	})
	if len(parts) == 0 {
		return nil, nil
	}
	if i := slices.IndexFunc(parts, (*part).away); i >= 0 {
		return nil, c.othersWait(parts[i])
	}
	step := c.awaitServing(parts, "nothing else is touched before it serves")
	if slices.ContainsFunc(parts, func(p *part) bool { return c.done(p.name, Promote) }) {
		step.Takes = serveTakes
	}
	return step, nil
}

// awaitOthers waits until all members but one serve.
func (c *scene) awaitOthers(p *part) *Step {
	parts := c.those((*part).isVoter, not((*part).serves), func(o *part) bool { return o != p })
	if len(parts) == 0 {
		return nil
	}
	return c.awaitServing(parts, fmt.Sprintf("%s is not touched before it serves", p))
}

// add adds the wanted members that etcd does not count, one by one.
func (c *scene) add() (*Step, error) {
	for _, p := range c.those((*part).isWanted, not((*part).isCounted)) {
		switch {
		case c.Asked.Verb == Restart && !c.done(p.name, RemoveMember):
			continue
		case c.Want == nil:
			return nil, c.needsUp(p)
		case p.away():
			return nil, c.awayRefusal(p)
		case p.busy():
			return c.end([]*part{p}, "etcd does not count it as a member", shortly), nil
		case p.holds():
			return c.setAside(p), nil
		}
		if step := c.steady(); step != nil {
			return step, nil
		}
		if other := c.inPlaceOf(p); other != nil {
			return c.drop(other, fmt.Sprintf("%s takes its address", p))
		}
		return &Step{Kind: AddLearner, Servers: []string{p.name}, Cause: "it is to be a member", Takes: endTakes}, nil
	}
	return nil, nil
}

// inPlaceOf is the member that is where another is to be: both can't be there at a time.
func (c *scene) inPlaceOf(p *part) *part {
	for _, o := range c.those((*part).isCounted) {
		if slices.Contains(o.member.PeerURLs, p.spec.PeerURL()) || o.there && !o.wanted && p.takesAddressOf(o) {
			return o
		}
	}
	return nil
}

func (c *scene) setAside(p *part) *Step {
	cause := "it starts as a new member, and what it has is kept"
	if p.server.Blank {
		cause = "it starts as a new member: what it has was begun, and no cluster came of it"
	}
	return &Step{Kind: SetAside, Servers: []string{p.name}, Cause: cause}
}

// clearAway takes away the servers of members that are none any more.
func (c *scene) clearAway() (*Step, error) {
	gone := c.those((*part).isThere, not((*part).isWanted), not((*part).isCounted))
	for _, p := range c.services() {
		if p.there && p.change != nil && p.change.Kind == runtime.Leave {
			gone = append(gone, p)
		}
	}
	for _, p := range gone {
		switch {
		case p.away() && c.done(p.name, Remove):
		case p.away():
			return &Step{Kind: Remove, Servers: []string{p.name}, Cause: "it is not wanted any more, and its machine does not answer: what it has stays there"}, nil
		case p.busy():
			return c.end([]*part{p}, "it is not wanted any more", shortly), nil
		case c.Asked.Data:
			return &Step{Kind: Delete, Servers: []string{p.name}, Cause: "it is not wanted any more, its data neither"}, nil
		case p.server.Status != runtime.Absent:
			return &Step{Kind: Remove, Servers: []string{p.name}, Cause: "it is not wanted any more"}, nil
		}
	}
	return nil, nil
}

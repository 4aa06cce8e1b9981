package converge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file is about a cluster without a quorum: one that has never run, whose
// first start was interrupted, that is stopped, that starts, or that is lost.

// found leads to a quorum. Nothing after it is asked as long as there is none.
func (c *scene) found() (*Step, error) {
	if c.quorum {
		return nil, nil
	}
	holders := c.those((*part).holds)
	if len(holders) == 0 {
		return c.foundAnew()
	}
	if !slices.ContainsFunc(holders, (*part).isWanted) {
		return nil, &Refusal{
			Reason: fmt.Sprintf("the data that is there is of another cluster, of %s", strings.Join(names(holders), ", ")),
			Remedy: Remedy{Text: "name those members in the description, or start another cluster beside it with --name"},
		}
	}
	if lost := c.lost(holders); lost != nil {
		return nil, lost
	}
	if step := c.startHolders(holders); step != nil {
		return step, nil
	}
	if refusal := c.tooManyAway(holders); refusal != nil {
		return nil, refusal
	}
	if c.Asked.Verb == Start && c.tooFew(holders) {
		return nil, c.onlyData() // those that were asked for run, and serve once others do
	}
	return c.unwell()
}

// tooFew tells whether no quorum can come of the members that run.
func (c *scene) tooFew(holders []*part) bool {
	founders := c.founders(holders)
	running := slices.DeleteFunc(slices.Clone(founders), func(p *part) bool { return !p.busy() && !c.started(p.name) })
	return len(running) <= len(founders)/2
}

// onlyData: servers that were asked for and that there is nothing to start of. What a member
// has left where it was before it went to another machine, up does not start either.
func (c *scene) onlyData() error {
	for _, p := range c.those((*part).isWanted, c.asksFor, (*part).holds, not((*part).isFormer)) {
		if p.server.Status == runtime.Absent {
			return &Refusal{Server: p.name, Reason: "nothing but its data is there", Remedy: Remedy{Command: []string{"up"}, Text: "starts it"}}
		}
	}
	return nil
}

// tooManyAway: no quorum can come of the members whose machines answer.
func (c *scene) tooManyAway(holders []*part) error {
	founders := c.founders(holders)
	away := slices.DeleteFunc(slices.Clone(founders), not((*part).away))
	if len(away) == 0 || len(founders)-len(away) > len(founders)/2 {
		return nil
	}
	return withoutQuorum(away)
}

// foundAnew starts all at once: nobody has anything to lose.
func (c *scene) foundAnew() (*Step, error) {
	wanted := c.those((*part).isWanted)
	if slices.ContainsFunc(c.Done, func(s Step) bool { return s.Kind == Apply || s.Kind == Begin }) {
		return c.awaitServing(wanted, "it has been started"), nil
	}
	notice := Notice{Kind: Started, For: StartTakes}
	if slices.ContainsFunc(c.all, func(p *part) bool { return p.there && p.server.Status != runtime.Created }) {
		notice.Kind = Empty
	}
	if c.asIs(nil) {
		return &Step{Kind: Begin, Servers: names(c.those((*part).isThere)), Cause: "it is stopped", Notice: notice, Takes: StartTakes}, nil
	}
	return &Step{Kind: Apply, Cause: "no member has data: a new cluster", Notice: notice, Takes: StartTakes}, nil
}

// founders are the members of which a holder of data was told when it was
// started first, as far as they are still wanted. What leaves the members as they are
// wants all of them, those too of which nothing is left.
func (c *scene) founders(holders []*part) []*part {
	var told []string
	for _, p := range holders {
		if list := p.server.Told(); len(list) > len(told) {
			told = list
		}
	}
	if len(told) == 0 {
		return c.those((*part).isWanted, (*part).isThere)
	}
	founders := c.those((*part).isWanted, func(p *part) bool { return slices.Contains(told, p.name) })
	for _, name := range told {
		if c.Asked.Verb.leaves() && !c.isMember(name) {
			founders = append(founders, &part{name: name})
		}
	}
	return founders
}

// lost tells that no quorum can come of what still has data. One that was made
// and has never run is none that lost it. One whose machine does not answer may have
// data, or never have been there: of that alone nothing follows.
func (c *scene) lost(holders []*part) error {
	if !slices.ContainsFunc(holders, not((*part).away)) {
		return unseen(holders)
	}
	founders := c.founders(holders)
	alive := 0
	for _, p := range founders {
		if p.holds() || p.new() {
			alive++
		}
	}
	if alive > len(founders)/2 {
		return nil
	}
	return c.noQuorum(names(slices.DeleteFunc(slices.Clone(holders), func(p *part) bool { return !p.wanted || p.away() })))
}

func (p *part) new() bool { return p.there && p.server.Status == runtime.Created }

// startHolders starts those that have data; and where the first start was
// interrupted, so many of those that never ran as are lacking for a quorum. They
// are fewer than a quorum, so whatever the others have agreed on stays.
func (c *scene) startHolders(holders []*part) *Step {
	var anew, asIs []*part
	for _, p := range append(c.lacking(holders), holders...) {
		switch {
		case !c.asksFor(p) && c.Asked.Verb != Replace, p.busy() && p.server.Status != runtime.Paused || c.started(p.name):
		case p.away():
		case p.server.Status == runtime.Absent && (!p.wanted || c.Asked.Verb.leaves()), p.server.Status == runtime.Ended && (!p.wanted || p.isFormer()):
		case p.server.Status != runtime.Absent && c.asIs(p):
			asIs = append(asIs, p)
		default:
			anew = append(anew, p)
		}
	}
	if len(asIs) > 0 {
		return &Step{Kind: Begin, Servers: names(asIs), Cause: "it is stopped", Takes: StartTakes}
	}
	if len(anew) > 0 {
		return &Step{Kind: Apply, Servers: names(anew), Cause: "it does not run", Takes: StartTakes}
	}
	return nil
}

func (c *scene) lacking(holders []*part) []*part {
	founders := c.founders(holders)
	var fresh []*part
	have := 0
	for _, p := range founders {
		switch {
		case p.holds():
			have++
		case p.new():
			fresh = append(fresh, p)
		}
	}
	return fresh[:max(0, min(len(fresh), len(founders)/2+1-have))]
}

// asIs tells whether a server has to be started as it is, if at all: where
// nothing else was asked for, where it is not wanted any more, and where it would
// leave its release before the others are asked.
func (c *scene) asIs(p *part) bool {
	if c.Asked.Verb == Start || c.Asked.Verb == Restart {
		return true
	}
	return p != nil && (!p.wanted || c.leavesRelease(p))
}

// unwell is about members that all run, and have no quorum: another setting may
// be what they need, or a moment.
func (c *scene) unwell() (*Step, error) {
	var changed []*part
	for _, p := range c.those((*part).isWanted, (*part).isThere, (*part).differs) {
		if p.unclear() && !c.adoptedAlone(p) {
			return nil, c.unsure(p)
		}
		if !c.done(p.name, Apply) && p.holds() && !c.forgets(p) && !c.leavesRelease(p) {
			changed = append(changed, p)
		}
	}
	if len(changed) > 0 && c.Asked.Verb == Up {
		return &Step{
			Kind: Apply, Servers: names(changed), Cause: changed[0].change.String(),
			Notice: Notice{Kind: Silence, For: StartTakes}, Takes: StartTakes,
		}, nil
	}
	running := c.those((*part).isWanted, func(p *part) bool { return p.busy() || c.started(p.name) })
	if len(running) == 0 {
		return nil, &Refusal{Reason: "nothing but the members' data is there", Remedy: Remedy{Command: []string{"up"}, Text: "starts them"}}
	}
	if voters := slices.DeleteFunc(slices.Clone(running), (*part).isLearner); len(voters) > 0 {
		running = voters // the others serve nobody before they have a vote
	}
	return c.awaitServing(running, "there is no quorum yet"), nil
}

// adoptedAlone tells of one that is to be adopted and that no way from here leads to that it
// has no others whose quorum could be at stake.
func (c *scene) adoptedAlone(p *part) bool {
	return p.server.Foreign && p.end.Trouble == member.Unreachable && len(c.those((*part).holds)) == 1 && len(p.server.Told()) <= 1
}

func (c *scene) awaitServing(parts []*part, cause string) *Step {
	return &Step{Kind: AwaitServing, Servers: names(parts), Cause: cause, Takes: answerTakes}
}

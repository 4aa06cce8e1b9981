package converge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/runtime"
)

// This file is about the verbs that leave what runs as it is: stop, start,
// restart and down.

// startServices starts the services that were asked for, before the members.
func (c *scene) startServices() (*Step, error) {
	for _, p := range c.services() {
		if c.asksFor(p) && p.there && p.server.Status != runtime.Absent && !p.busy() && !c.started(p.name) {
			return &Step{Kind: Begin, Servers: []string{p.name}, Cause: "it does not run", Takes: endTakes}, nil
		}
	}
	return nil, nil
}

// restartServices restarts the services, before the members need them.
func (c *scene) restartServices() (*Step, error) {
	for _, p := range c.services() {
		switch {
		case !c.asksFor(p) || !p.there || p.server.Status == runtime.Absent || c.done(p.name, Begin):
		case p.busy():
			return c.end([]*part{p}, "it is to start anew", 0), nil
		default:
			return &Step{Kind: Begin, Servers: []string{p.name}, Cause: "it is to start anew", Takes: endTakes}, nil
		}
	}
	return nil, nil
}

// restarted tells whether this run has started a member anew.
func (c *scene) restarted(p *part) bool { return c.done(p.name, Begin, Join) || !c.asksFor(p) }

// restartAll restarts members that have no quorum, all of them at once: they
// serve nobody. What is left of a cluster that lost its quorum is not touched.
func (c *scene) restartAll() (*Step, error) {
	if c.quorum {
		return nil, nil
	}
	holders := c.those((*part).holds)
	if len(holders) > 0 {
		if lost := c.lost(holders); lost != nil {
			return nil, lost
		}
	}
	if slices.ContainsFunc(c.all, func(p *part) bool { return c.last(p.name) != "" }) {
		return c.found()
	}
	var running []*part
	for _, p := range c.those((*part).isWanted, (*part).busy, not(c.restarted)) {
		if p.unclear() {
			return nil, c.unsure(p)
		}
		if p.blind() {
			return nil, &Refusal{
				Server: p.name, Reason: "it sees no certificates any more, and may still serve whoever is connected",
				Remedy: Remedy{Command: []string{"up"}, Text: "has members see theirs again, one after the other"},
			}
		}
		if c.forgets(p) {
			return nil, c.onlyInMemory(p)
		}
		running = append(running, p)
	}
	if len(running) > 0 {
		return c.end(running, "they have no quorum", 0), nil
	}
	return c.found()
}

// restartUnwell restarts members that don't serve in any case.
func (c *scene) restartUnwell() (*Step, error) {
	parts := c.those((*part).isCounted, (*part).busy, not((*part).serves), not(c.restarted), not(c.inStep))
	for _, p := range parts {
		if p.unclear() {
			return nil, c.unsure(p)
		}
		if !p.holds() || c.forgets(p) {
			return nil, c.needsUp(p)
		}
	}
	parts, step := c.oneBlind(parts)
	if len(parts) == 0 || step != nil {
		return step, nil
	}
	return c.end(parts, "it does not serve", 0), nil
}

// restart stops one member that serves; it is started again because it does not
// run. The leader comes last.
func (c *scene) restart() (*Step, error) {
	parts := c.leaderLast(c.those((*part).isVoter, (*part).isThere, (*part).serves, not(c.restarted)))
	if len(parts) == 0 {
		return nil, nil
	}
	if step := c.steady(); step != nil {
		return step, nil
	}
	p := parts[0]
	if away := c.those((*part).isVoter, not((*part).serves), not((*part).runs)); len(away) > 0 {
		return nil, &Refusal{
			Server: away[0].name, Reason: "it does not run, and no other member is stopped before it serves",
			Remedy: Remedy{Command: []string{"up"}, Text: "starts or replaces it"},
		}
	}
	if step := c.awaitOthers(p); step != nil {
		return step, nil
	}
	if c.forgets(p) {
		return c.renew(p)
	}
	if step := c.handOver(p, "before it stops"); step != nil {
		return step, nil
	}
	return c.end([]*part{p}, "it is to start anew", c.grace(p)), nil
}

// stop stops members, the leader last, and then the services. Where others stay
// and have a quorum, one of them leads before.
func (c *scene) stop() (*Step, error) {
	running := c.those((*part).isThere, (*part).busy, c.asksFor, not(c.leftAlone))
	rest := c.those((*part).isVoter, (*part).serves, not(func(p *part) bool { return slices.Contains(running, p) }))
	quorumStays := c.quorum && len(rest) > c.voters()/2
	for _, p := range running {
		if quorumStays && p.serves() {
			if step := c.handOver(p, "before it stops"); step != nil {
				return step, nil
			}
			return c.end([]*part{p}, "", c.grace(p)), nil
		}
	}
	followers := slices.DeleteFunc(slices.Clone(running), c.leads)
	switch {
	case len(followers) > 0:
		return c.stopAll(followers, rest), nil
	case len(running) > 0: // it knows of no peer any more, and hands over to nobody
		return c.stopAll(running, rest), nil
	}
	for _, p := range c.services() {
		if p.busy() && (c.Asked.Verb == Down || c.asksFor(p)) {
			return c.end([]*part{p}, "", 0), nil
		}
	}
	return nil, nil
}

// stopAll stops members for as long as somebody wants: nobody takes over from them, and
// waiting for clients' streams would only make all wait. What was acknowledged is on
// disk.
func (c *scene) stopAll(parts, rest []*part) *Step {
	step := c.end(parts, "", c.haste())
	if len(rest) == 0 && slices.ContainsFunc(parts, func(p *part) bool { return p.server.Data == runtime.Volatile }) {
		step.Notice = Notice{Kind: Empty}
	}
	return step
}

// leftAlone tells of a member that is not this program's to take away.
func (c *scene) leftAlone(p *part) bool { return c.Asked.Verb == Down && p.server.Foreign }

// refuseForeignDown: members that something else has started, and that are still to
// be adopted, are not stopped with those that are ours; and those of ours that are
// in one cluster with them are not taken from it. What was begun and has not got to
// where it is in there is taken away.
func (c *scene) refuseForeignDown() (*Step, error) {
	foreign := c.those((*part).isThere, func(p *part) bool { return p.server.Foreign })
	ours := c.those((*part).isThere, func(p *part) bool { return !p.server.Foreign })
	goOn := Remedy{Command: []string{"adopt"}, Text: "goes on, and whatever started the others stops them"}
	switch {
	case len(foreign) == 0, c.isTaken():
		return nil, nil
	case len(ours) == 0 && !c.Have.Begun:
		return nil, &Refusal{Reason: fmt.Sprintf("%s was started by something else, and nothing of it is adopted yet: it is left alone", strings.Join(names(foreign), ", ")), Remedy: goOn}
	case slices.ContainsFunc(foreign, (*part).isCounted) && slices.ContainsFunc(ours, (*part).isCounted):
		return nil, &Refusal{
			Reason: fmt.Sprintf("the cluster is being adopted: %s of it is still to be, and is in it with %s", strings.Join(names(foreign), ", "), strings.Join(names(ours), ", ")),
			Remedy: goOn,
		}
	}
	return nil, nil
}

// takeAway removes what is there, and its data if that was named.
func (c *scene) takeAway() (*Step, error) {
	if c.Have == nil || c.isTaken() {
		return nil, nil
	}
	kept, too := "its data is kept", "its data too"
	if c.Have.Begun {
		kept, too = "it has not taken over", "it has not taken over: its data too"
	}
	if c.Asked.Data {
		return &Step{Kind: Delete, Cause: too}, nil
	}
	if slices.ContainsFunc(c.Have.Servers, func(s runtime.Server) bool { return s.Status != runtime.Absent }) {
		return &Step{Kind: Remove, Cause: kept}, nil
	}
	return nil, nil
}

func (c *scene) isTaken() bool {
	return slices.ContainsFunc(c.Done, func(s Step) bool { return s.Kind == Remove || s.Kind == Delete })
}

package converge

import (
	"slices"
	"time"
)

// rule looks for one reason to do something. It gives nil where there is none.
type rule func(*scene) (*Step, error)

// The rules of each verb, in the order in which they are asked. The first that
// has a step decides; so a rule may rely on those before it.
var rules = map[Verb][]rule{
	Up: {
		(*scene).refuseUnfinished, (*scene).refuse, (*scene).refuseUnlinked, (*scene).serveMembers, (*scene).found,
		(*scene).startIdle, (*scene).applyUnwell, (*scene).dropDead, (*scene).dropLost,
		(*scene).makeWay, (*scene).join, (*scene).promote, (*scene).await,
		(*scene).release, (*scene).introduce, (*scene).add, (*scene).widen, (*scene).roll, (*scene).dropUnwanted,
		(*scene).clearAway, (*scene).settle, (*scene).compare, (*scene).users, (*scene).refuseAway,
	},
	Replace: {
		(*scene).refuseUnfinished, (*scene).refuse, (*scene).refuseReplace, (*scene).found,
		(*scene).startIdle, (*scene).dropDead, (*scene).dropLost,
		(*scene).join, (*scene).promote, (*scene).await, (*scene).add, (*scene).compare, (*scene).dropAsked,
	},
	Start: {
		(*scene).refuseAbsent, (*scene).refuseUnfinished, (*scene).startServices, (*scene).found, (*scene).startIdle, (*scene).refuseEmpty, (*scene).await,
	},
	Restart: {
		(*scene).refuseAbsent, (*scene).refuseUnfinished, (*scene).refuseUnlinked, (*scene).restartServices, (*scene).restartAll, (*scene).dropForgotten, (*scene).startIdle,
		(*scene).restartUnwell, (*scene).join, (*scene).promote, (*scene).refuseEmpty, (*scene).await,
		(*scene).add, (*scene).restart,
	},
	Stop: {(*scene).refuseAbsent, (*scene).refuseUnlinked, (*scene).stop, (*scene).refuseAway},
	Down: {(*scene).refuseForeignDown, (*scene).refuseUnlinked, (*scene).stop, (*scene).takeAway},
}

// Next gives the one step that comes next, or false when nothing is left to do.
// Its error is a Refusal, or several joined: then nothing has been begun that
// could not wait.
func Next(s Situation) (Step, bool, error) {
	c := look(s)
	for _, r := range rules[s.Asked.Verb] {
		step, err := r(c)
		if err != nil {
			return Step{}, false, err
		}
		if step != nil {
			return c.prepared(*step), true, nil
		}
	}
	return Step{}, false, nil
}

// prepared gives a step, or what has to be got before anything is touched.
func (c *scene) prepared(step Step) Step {
	if c.Want == nil || step.Kind.waits() || c.Asked.Verb != Up && c.Asked.Verb != Replace {
		return step
	}
	for _, want := range append(slices.Clip(c.Then), c.Want) {
		servers, version := c.toMake(), want.Etcd.String()
		if !slices.ContainsFunc(servers, func(name string) bool { _, err := want.Member(name); return err == nil }) {
			version = "" // what serves beside the members has no release of etcd
		}
		ready := slices.ContainsFunc(c.Done, func(s Step) bool { return s.Kind == Prepare && (s.To == version || version == "") })
		if len(servers) > 0 && !ready {
			return Step{Kind: Prepare, Servers: servers, To: version, Cause: "before anything is touched"}
		}
	}
	return step
}

// toMake are the servers that will have to be made or made anew.
func (c *scene) toMake() []string {
	var list []string
	for _, change := range c.Changes {
		if change.Kind == missing || change.Kind == differs {
			list = append(list, change.Server)
		}
	}
	for _, p := range c.those((*part).isWanted) {
		anew := len(c.Then) > 0 || c.asksFor(p) && c.Asked.Verb == Replace
		if anew && !slices.Contains(list, p.name) {
			list = append(list, p.name)
		}
	}
	return list
}

// waits tells whether a step changes nothing.
func (k Kind) waits() bool {
	switch k {
	case Prepare, AwaitServing, AwaitSteady, AwaitStorage, AwaitVersion, CompareHashes:
		return true
	}
	return false
}

// asksFor tells whether a verb is about a server.
func (c *scene) asksFor(p *part) bool {
	return len(c.Asked.Servers) == 0 || slices.Contains(c.Asked.Servers, p.name)
}

// StartTakes is about how long it takes from a process to its first linearizable read,
// as it was measured.
const StartTakes = 2 * time.Second

// About how long other things take, on a machine that has a little to do besides: see
// docs/members.md.
const (
	endTakes     = time.Second
	joinTakes    = time.Second
	answerTakes  = time.Second     // until a member that was started answers
	serveTakes   = 2 * time.Second // until a fresh member of etcd 3.6 and 3.7 does, about every other one started once more
	electTakes   = 1500 * time.Millisecond
	handoverGap  = 250 * time.Millisecond
	refreshTakes = 7 * time.Second
	enableTakes  = 3 * time.Second // etcd looks at it every 4 s
	enableGap    = 550 * time.Millisecond
)

// shortly is how long a member may take to stop that nobody can miss.
const shortly = time.Second

// How long a member may take to stop that serves and that the others can do
// without: see grace.
const (
	leastGrace     = 400 * time.Millisecond
	mostGrace      = 2 * time.Second
	readsPerAnswer = 50 // a write waits for disks, a read for none
)

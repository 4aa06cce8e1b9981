package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// fromMembership is what a quorum says of a member's place in the cluster.
func (w ward) fromMembership(m Member) []candidate {
	if !w.quorum || w.Known == nil || w.faults[m.Name] == estranged {
		return nil
	}
	c := candidate{member: m.Name, known: true, rank: rankMembers}
	k, known := w.known(m)
	switch {
	case !known && w.serving() == w.voters():
		c.fault, c.cause = notAdded, "the cluster does not know it as a member"
	case known && k.Name == "" && m.Status != Running && m.Status != Restarting:
		c.fault, c.cause = neverJoined, "it was added to the cluster and has not started since"
		c.evidence = "member " + k.ID + " has no name"
	case known && k.Learner && m.Answers:
		c.fault, c.cause = learning, "it is a learner, and has no vote yet: etcd gives it one when it has caught up"
		c.remedy = Remedy{Kind: Promote, Member: m.Name, Value: k.ID}
	default:
		return nil
	}
	return []candidate{c}
}

// strangers are the members that etcd knows and the description does not.
func (w ward) strangers() []candidate {
	rank := rankMembers
	if !w.quorum { // which is needed to take them out
		rank = rankSymptom - 1
	}
	var found []candidate
	for _, k := range w.Known {
		if w.described(k) {
			continue
		}
		name := k.Name
		if name == "" {
			name = strings.Join(k.PeerURLs, ",")
		}
		found = append(found, candidate{
			member: name, fault: unwanted, known: true, rank: rank,
			cause:  fmt.Sprintf("the cluster knows it as member %s, and it is not in the description", k.ID),
			remedy: Remedy{Kind: Remove, Member: name, Value: k.ID},
		})
	}
	return found
}

func (w ward) described(k Known) bool {
	for _, m := range w.Members {
		if own, ok := w.known(m); ok && own.ID == k.ID {
			return true
		}
	}
	return false
}

const (
	// pauseWindow is how far back pauses count, and manyPauses how many of them
	// are no accident: a disk that was busy for a moment makes one or two.
	pauseWindow = time.Minute
	manyPauses  = 5
)

// fromPauses tells a disk that is too slow from a quorum that is not there:
// either makes reads fail.
func (w ward) fromPauses(m Member) []candidate {
	if !w.quorum && w.answering() < majority(w.voters()) {
		return nil
	}
	if m.Answers && slices.ContainsFunc(w.Members, func(o Member) bool { return o.runs() && !o.Answers && !o.Serves }) {
		return nil // who does not even answer is worse, and has others wait
	}
	var pauses []entry
	for _, line := range m.Log {
		if e := readEntry(line); e.pause() {
			pauses = append(pauses, e)
		}
	}
	now := w.Now
	if now.IsZero() && len(pauses) > 0 {
		now = pauses[len(pauses)-1].time
	}
	recent := 0
	for _, e := range pauses {
		if now.Sub(e.time) <= pauseWindow {
			recent++
		}
	}
	if recent < manyPauses {
		return nil
	}
	return []candidate{{
		member: m.Name, known: true, rank: rankSlow, evidence: pauses[len(pauses)-1].text,
		cause: fmt.Sprintf("its disk is too slow for etcd, which waited for it %d times within a minute: "+
			"give it a faster one, or less to share it with", recent),
	}}
}

// startPatience is how long a member may take to answer after its start.
const startPatience = 30 * time.Second

// fromSilence is about a process that lives and answers nobody, as one that hangs
// or was frozen.
func (w ward) fromSilence(m Member) []candidate {
	if m.Status != Running || m.Answers {
		return nil
	}
	if m.refuses() {
		return []candidate{{
			member: m.Name, rank: rankSilent, evidence: m.Silence,
			cause: "it runs, and there is no TLS between it and who asks it: " + m.Silence, remedy: Remedy{Kind: Logs, Member: m.Name},
		}}
	}
	if len(m.Log) == 0 {
		return nil
	}
	if began := readEntry(m.Log[0]).time; began.IsZero() || w.Now.Sub(began) < startPatience {
		return nil
	}
	return []candidate{{
		member: m.Name, known: true, fault: silent, rank: rankSilent,
		cause: "it runs and answers nobody: it waits for others, or hangs", remedy: Remedy{Kind: Restart, Member: m.Name},
	}}
}

// refuses reports whether it did answer, and the two found no TLS that both take: it
// neither hangs nor waits for anybody.
func (m Member) refuses() bool {
	return strings.Contains(m.Silence, "tls: ") || strings.Contains(m.Silence, "x509: ")
}

// answering is how many members tell their status.
func (w ward) answering() int {
	n := 0
	for _, m := range w.Members {
		if m.Answers || m.Serves {
			n++
		}
	}
	return n
}

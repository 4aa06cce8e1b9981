// Package doctor names the cause of a stack that is not well.
//
// It looks at what the members' containers or processes are doing, what etcd has written to
// its log and what the members answer, and gives one cause with one remedy:
//
//	Evidence ──▶ candidates: what each member's state, alarms and log tell
//	         ──▶ the one that explains the others
//	         ──▶ its remedy, as the state of the whole cluster allows
//
// Members that fail draw others into failing in other ways: one that is missing
// makes its peers complain about names that do not resolve. So the candidates
// are ranked, and the one that explains the others wins.
//
// A line of a log says what ails one member. What may be done about it is
// decided by the whole: the data of a member that lost its place is worth
// nothing while the others have a quorum, and is all that is left when they do
// not. No remedy deletes what may be the last copy.
//
// etcd's last line is often no help: whatever keeps a new member from starting
// ends in "discovery failed", and the cause is in that line's error field.
//
// The package is pure: the evidence is handed in.
package doctor

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"sync"
)

// Diagnosis is a cause and what to do about it.
type Diagnosis struct {
	Member   string // whose cause it is
	Cause    string // what is wrong with it
	Remedy   Remedy // what puts it right
	Command  string // the remedy as a command line; empty where there is none
	ByHand   string // what is to be known or done where there is no command
	Evidence string // the line of the log, or the engine's words, that tell it
	Known    bool   // false if nobody knows what is behind the evidence
	// Symptom says that what it goes by may follow from something else, of which the
	// evidence has nothing.
	Symptom bool
}

// Hint is what to do: the command, or what is to be known where there is none.
func (d Diagnosis) Hint() string {
	if d.Command != "" {
		return d.Command
	}
	return d.ByHand
}

// Diagnose gives the cause that explains the most, and false if there is
// nothing to explain.
func Diagnose(e Evidence) (Diagnosis, bool) {
	w := e.ward()
	var possible []candidate
	for _, m := range e.Members {
		possible = append(possible, w.candidates(m)...)
	}
	possible = append(possible, w.strangers()...)
	for i := range possible {
		w.postpone(&possible[i])
	}
	possible = w.leaveHidden(possible)
	if len(possible) == 0 {
		return Diagnosis{}, false
	}
	slices.SortStableFunc(possible, func(a, b candidate) int { return cmp.Compare(a.rank, b.rank) })
	best, treatment := w.choose(possible)
	return Diagnosis{
		Member: best.member, Cause: treatment.cause, Evidence: best.evidence, Known: best.known, Symptom: best.rank >= rankSlow,
		Remedy: treatment.remedy, Command: e.command(treatment.remedy), ByHand: treatment.remedy.byHand(),
	}, true
}

// choose takes the first of the candidates. Where the others keep anything from
// being done about it, one that something can be done about comes first.
func (w ward) choose(possible []candidate) (candidate, treatment) {
	var chosen candidate
	var first treatment
	for i, c := range possible {
		m, _ := w.member(c.member)
		t := w.treat(m, c)
		if i == 0 {
			chosen, first = c, t
		}
		waits := chosen.fault != ownFault && first.remedy.waits()
		if !waits || c.rank >= rankSymptom {
			break
		}
		if !t.remedy.waits() {
			return c, t
		}
	}
	return chosen, first
}

// leaveHidden leaves nothing to explain but that machines do not answer, where nobody
// knows whether there is a cluster on them, and there is none elsewhere.
func (w ward) leaveHidden(possible []candidate) []candidate {
	if !w.hidden() {
		return possible
	}
	return slices.DeleteFunc(possible, func(c candidate) bool {
		m, _ := w.member(c.member)
		return m.Status != Away
	})
}

// candidate is what may explain the state of a stack. The one with the lowest
// rank wins, the earlier one of two.
type candidate struct {
	member   string
	fault    fault
	cause    string // what is wrong, in words
	remedy   Remedy // of a fault that concerns nobody else
	evidence string
	known    bool
	rank     int
	looked   bool // the files tell it better, see Member.Looked
}

// fault is a kind of trouble whose remedy depends on the other members.
type fault int

const (
	ownFault     fault = iota // what is to be done is the same whatever the others do
	notRunning                // it does not run, and has not said why
	lostData                  // its data is gone, or a part that it had confirmed
	damagedData               // its data can't be read
	emptyKey                  // what etcd reads at its start beside its data is cut off
	differing                 // its data is another than that of the others
	removed                   // the others have taken it out of the cluster
	estranged                 // it is of another cluster than its peers
	notAdded                  // the cluster does not know it yet
	neverJoined               // it was added, and never started
	unwanted                  // the cluster knows it, the description does not
	learning                  // it has no vote yet
	tokenUnknown              // the discovery service does not know its token
	tokenFull                 // its discovery token has all members
	outOfSpace                // its database reached the quota
	silent                    // it runs, and answers nobody
)

// Ranks between those of log lines, see rules.
const (
	rankEngine  = -1    // the engine knows for certain
	rankExpired = 490   // the logs of members that do not serve may tell it better
	rankAlarm   = 500   // a member that does not serve is worse
	rankMembers = 550   // who belongs to the cluster, as its members have it
	rankStopped = 1_000 // a reason for others to complain, when its own log has none
	rankFatal   = 1_001 // what ended it, in words that nobody knows
	rankEnded   = 1_002 // that it ended, without a word
	rankSlow    = 1_500 // goes on, with pauses, which may come of a member that is missing
	rankSymptom = 2_000 // follows from something else
	rankSilent  = 2_999 // it should answer, and nothing tells why it does not
	rankUnknown = 3_000 // something is wrong, and nothing is known of it
)

// candidates are all that a member's evidence tells.
func (w ward) candidates(m Member) []candidate {
	found := fromAlarms(m)
	for i := range found {
		if !w.quorum { // which is needed for all that can be done about an alarm
			found[i].rank += rankSymptom - rankAlarm - 1
		}
	}
	found = append(found, w.fromCertificates(m)...)
	found = append(found, w.fromMembership(m)...)
	found = append(found, w.fromPauses(m)...)
	if m.Serves || m.Waits {
		return found
	}
	found = append(found, fromEngine(m)...)
	found = append(found, w.fromSilence(m)...)
	return append(found, w.fromLog(m)...)
}

// postpone puts those behind who are not needed for the quorum that is to come
// back, but before what they all suffer from.
func (w ward) postpone(c *candidate) {
	m, described := w.member(c.member)
	if !w.quorum && w.returns() && c.rank < rankSymptom && (!described || !w.holds(m)) {
		c.rank = min(c.rank+rankStopped+len(rules()), rankSymptom-1)
	}
}

// fromEngine is what the container's state says.
func fromEngine(m Member) []candidate {
	c := candidate{member: m.Name, evidence: m.EngineError, known: true, rank: rankEngine}
	if known, ok := recognise(engineErrors(), m, m.EngineError); ok {
		known.rank = rankEngine
		return []candidate{known}
	}
	up := Remedy{Kind: Up}
	switch {
	case m.EngineError != "":
		c.cause, c.remedy, c.known = "the engine can't start it: "+m.EngineError, up, false
	case m.OutOfMemory:
		c.cause, c.remedy = "it was ended for using more memory than its container may", up
	case m.Off != "":
		c.cause, c.remedy = "it is not on "+m.Off+", the network of the members, and nobody reaches it: it is made anew on it, with its data", up
	case m.Held != "":
		c.rank, c.fault, c.cause, c.remedy = rankStopped, notRunning, m.Held, Remedy{Kind: Reopen}
	case m.Status == Away:
		c.rank, c.fault, c.remedy = rankStopped, notRunning, Remedy{Kind: Return}
		c.cause = "its machine does not answer: " + m.Detail
	case m.Status == Paused:
		c.cause, c.remedy = "it is paused", up
	case m.Status == Missing && m.Data == DataLost:
		c.rank, c.fault, c.cause = rankStopped, lostData, "it has no container, and its data is gone"
	case m.Emptied && m.Data == DataLost:
		c.rank, c.fault, c.cause = rankStopped, lostData, "its data is gone, and it was there when it was started"
	case m.Status == Exited && m.Data == DataLost:
		c.rank, c.fault, c.cause = rankStopped, lostData, "it was stopped, and its data is gone"
	case m.Status == Missing:
		c.rank, c.fault, c.cause, c.remedy = rankStopped, notRunning, "it has no container", up
	case m.Status == Created:
		c.rank, c.fault, c.cause, c.remedy = rankStopped, notRunning, "its container was never started", up
	case m.Status == Exited:
		c.rank, c.fault, c.cause, c.remedy = rankStopped, notRunning, "it was stopped", up
	case m.Status == Dead || m.Status == Failed:
		c.rank, c.fault, c.known = rankEnded, notRunning, false
		c.cause, c.remedy = "it ended by itself, or was killed", up
		switch {
		case m.ExitCode != 0:
			c.cause = fmt.Sprintf("it ended with exit code %d", m.ExitCode)
		case m.Detail != "":
			c.cause += ": " + m.Detail
		}
	default:
		return nil
	}
	return []candidate{c}
}

// missed are who a line says are not there: a name, or an address.
var missed = sync.OnceValue(func() *regexp.Regexp {
	return re(`lookup (\S+?)(?: on \S+)?: no such host|dial tcp (\S+): (?:i/o timeout|connect: (?:connection refused|no route to host))`)
})

// disproves reports whether a line says that somebody is missing who is not any more: one
// that was started since, or that answers now and has not been missed lately. A member that
// runs says again and again whom it misses: what it has not said lately is over.
func (e Evidence) disproves(m Member, said entry) bool {
	match := missed().FindStringSubmatch(said.text)
	if match == nil {
		return false
	}
	lately := e.Now.Sub(said.time) <= pauseWindow
	if m.Status == Running && !said.time.IsZero() && !e.Now.IsZero() && !lately {
		return true
	}
	return slices.ContainsFunc(e.Members, func(o Member) bool {
		if !o.at(match[1] + match[2]) {
			return false
		}
		back := o.Status == Running && !said.time.IsZero() && said.time.Before(o.Since)
		return back || (o.Answers || o.Serves) && (m.Status != Running || !lately)
	})
}

// at reports whether a host name or an address is a member's.
func (m Member) at(who string) bool {
	u, err := url.Parse(m.PeerURL)
	return who == m.Name || err == nil && u.Host != "" && (who == u.Host || who == u.Hostname())
}

// fromAlarms is what etcd itself raises the alarm about. Its log has none of
// it, and the member goes on answering reads.
func fromAlarms(m Member) []candidate {
	var found []candidate
	for _, alarm := range m.Alarms {
		c := candidate{member: m.Name, evidence: "alarm " + alarm, known: true, rank: rankAlarm}
		switch alarm {
		case "NOSPACE":
			c.fault, c.cause = outOfSpace, "its database reached the quota, and takes no more writes"
		case "CORRUPT":
			c.fault, c.cause = differing, "its data differs from that of the others"
		default:
			c.known, c.cause, c.remedy = false, "etcd raises the alarm "+alarm, Remedy{Kind: Logs, Member: m.Name}
		}
		found = append(found, c)
	}
	return found
}

// fromLog is what the log says: each line that a rule knows, and the last error
// that none does. If that error ended the member, it is more than a symptom: the
// lines before it may tell of peers that came or went meanwhile.
func (e Evidence) fromLog(m Member) []candidate {
	var found []candidate
	if m.Held != "" {
		return nil
	}
	unknown := candidate{member: m.Name, remedy: Remedy{Kind: Logs, Member: m.Name}, rank: rankUnknown}
	for _, line := range m.Log {
		entry := readEntry(line)
		if entry.ofStranger() || e.disproves(m, entry) {
			continue
		}
		if c, ok := recognise(rules(), m, entry.text); ok {
			if !c.looked || !m.Looked || m.Status != Running {
				found = append(found, e.withExpired(c))
			}
			continue
		}
		if entry.bad() {
			unknown.cause, unknown.evidence = "it says: "+entry.text, entry.text
		}
		if entry.fatal() {
			unknown.rank = rankFatal
		}
	}
	if unknown.rank == rankFatal || len(found) == 0 && unknown.cause != "" {
		found = append(found, unknown)
	}
	return found
}

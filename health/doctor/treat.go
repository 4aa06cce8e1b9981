package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/etcdctr/etcdctr/internal/listed"
)

// treatment is what is wrong, said as the whole cluster makes it, and what to
// do.
type treatment struct {
	cause  string
	remedy Remedy
}

// treat decides what may be done about a fault.
func (w ward) treat(m Member, c candidate) treatment {
	if w.split && c.fault != ownFault && c.fault != notRunning {
		return treatment{c.cause + "; members serve in clusters of their own, which nothing puts together: " +
			"save what each holds, and decide which is to stay", Remedy{}}
	}
	switch c.fault {
	case notRunning:
		return w.startUp(m, c)
	case lostData:
		return w.regain(m, c.cause)
	case tokenUnknown, tokenFull:
		return w.rediscover(m, c)
	case damagedData:
		return w.renew(m, c.cause)
	case emptyKey:
		return w.rekey(m, c)
	case differing:
		return w.reconcile(m, c.cause)
	case removed:
		return w.readmit(m, c.cause)
	case estranged:
		return w.reunite(m, c.cause)
	case notAdded:
		return w.add(m, c)
	case neverJoined:
		return w.join(m, c.cause)
	case unwanted:
		return w.dismiss(c)
	case learning:
		return treatment{c.cause, c.remedy}
	case outOfSpace:
		return w.makeRoom(c.cause)
	case silent:
		return w.wake(c)
	}
	return w.guard(c, treatment{c.cause, c.remedy})
}

// guard keeps a remedy that starts members from starting so many without data
// that they would be a cluster of their own.
func (w ward) guard(c candidate, t treatment) treatment {
	switch {
	case t.remedy.starts() && w.exposed():
		return w.fromSurvivors(t.cause)
	case c.rank >= rankSymptom && t.remedy.Kind == Up && len(w.idle()) == 0:
		return treatment{t.cause, Remedy{Kind: Logs, Member: c.member}} // there is nobody to be started
	}
	return t
}

// startUp is for a member that does not run.
func (w ward) startUp(m Member, c candidate) treatment {
	if _, known := w.known(m); w.quorum && w.Known != nil && !known {
		if m.Data == DataLost {
			return w.add(m, c)
		}
		return w.readmit(m, c.cause+", and the others do not know it as a member")
	}
	switch {
	case m.Status == Away:
		return w.waitFor(c)
	case !w.quorum && w.anyEmpty() && w.returns():
		return w.wakeHolders(m, c.cause)
	case w.gone() && c.remedy.starts():
		c.cause += nobodyHas
	default:
		c.cause += w.alsoIdle(m)
		c.remedy = w.onlyStart(c.remedy)
	}
	return w.guard(c, treatment{c.cause, c.remedy})
}

// onlyStart has those start that were stopped, where nothing else is to be done about anybody.
func (w ward) onlyStart(otherwise Remedy) Remedy {
	stopped := slices.DeleteFunc(slices.Clone(w.Members), Member.runs)
	others := slices.ContainsFunc(stopped, func(m Member) bool { return m.Status != Exited || w.empty(m) })
	if !w.AsDescribed || others || otherwise.Kind != Up {
		return otherwise
	}
	var names []string
	for _, m := range stopped {
		names = append(names, m.Name)
	}
	return Remedy{Kind: Start, Member: strings.Join(names, " ")}
}

// alsoIdle says who else does not run, where that costs the quorum.
func (w ward) alsoIdle(m Member) string {
	var others []string
	runs := 0
	for _, o := range w.Members {
		switch {
		case o.runs():
			runs++
		case o.Name != m.Name:
			others = append(others, o.Name)
		}
	}
	if w.quorum || len(others) == 0 || runs >= majority(w.voters()) {
		return ""
	}
	return fmt.Sprintf("; others that do not run: %s; the quorum is lost, which takes %d of %d members", strings.Join(others, ", "), majority(w.voters()), w.voters())
}

// waitFor is for a member whose machine does not answer: what it has nobody knows.
func (w ward) waitFor(c candidate) treatment {
	if w.hidden() {
		c.cause += "; whether the cluster is on " + w.machinesAway() + " nobody knows, and it is nowhere else"
		return treatment{c.cause, Remedy{Kind: ReturnAll}}
	}
	answering := slices.DeleteFunc(w.holders(), func(m Member) bool { return !m.Serves && m.Status == Away })
	if !w.quorum && len(answering) < majority(w.voters()) {
		c.cause += "; without " + w.machinesAway() + " there is no quorum"
		return treatment{c.cause, Remedy{Kind: Rebuild}}
	}
	return treatment{c.cause, c.remedy}
}

// machinesAway names the machines that do not answer by their members.
func (w ward) machinesAway() string {
	var names []string
	for _, m := range w.away() {
		names = append(names, m.Name)
	}
	return listed.Of(len(names), "it", "those of "+listed.And(names))
}

// nobodyHas is said before an empty cluster is started.
const nobodyHas = ", and nobody else has any data: this starts an empty cluster, a backup brings back what there was"

// wake is for a member that runs and answers nobody. A survivor of a cluster that
// has lost its quorum gives what it has only as long as it is not started again.
func (w ward) wake(c candidate) treatment {
	if !w.quorum && !w.returns() {
		return w.fromSurvivors(c.cause)
	}
	return treatment{c.cause, c.remedy}
}

// regain is for a member whose data is gone.
func (w ward) regain(m Member, cause string) treatment {
	switch {
	case w.quorum:
		if _, known := w.known(m); w.Known != nil && !known {
			return w.add(m, candidate{cause: cause})
		}
		return w.replace(m, cause+"; the others have it, and are not to be touched")
	case w.gone():
		return treatment{cause + nobodyHas, Remedy{Kind: Up}}
	case w.returns():
		return w.wakeHolders(m, cause)
	}
	return w.fromSurvivors(cause)
}

// replace gives up what a member has, where the others can spare it.
func (w ward) replace(m Member, cause string) treatment {
	if w.uncounted(m) && !w.Described {
		return w.grow(cause)
	}
	if w.replaceable(m) {
		return treatment{cause, Remedy{Kind: Replace, Member: m.Name}}
	}
	return treatment{cause + "; nothing shows that the others have what it has: keep its data aside", Remedy{}}
}

// wakeHolders starts those who have the data, and only them.
func (w ward) wakeHolders(m Member, cause string) treatment {
	cause += "; those that have the data come first"
	idle := w.idle()
	var names []string
	for _, i := range idle {
		if i.Status != Missing {
			names = append(names, i.Name)
		}
	}
	switch {
	case len(names) > 0:
		return treatment{cause, Remedy{Kind: Start, Member: strings.Join(names, " ")}}
	case len(idle) > 0 && w.exposed():
		return w.fromSurvivors(cause)
	case len(idle) > 0: // only up makes their containers again
		return treatment{cause, Remedy{Kind: Up}}
	}
	if c, ok := w.worst(m); ok {
		holder, _ := w.member(c.member)
		t := w.treat(holder, c)
		return treatment{fmt.Sprintf("%s, and %s does not serve: %s", cause, c.member, t.cause), t.remedy}
	}
	return treatment{cause + ", and do not serve", Remedy{Kind: Logs, Member: m.Name}}
}

// worst is what keeps those that have the data from serving.
func (w ward) worst(but Member) (candidate, bool) {
	var all []candidate
	for _, h := range w.holders() {
		if h.Name != but.Name {
			all = append(all, w.candidates(h)...)
		}
	}
	if len(all) == 0 {
		return candidate{}, false
	}
	return slices.MinFunc(all, func(a, b candidate) int { return cmp.Compare(a.rank, b.rank) }), true
}

// fromSurvivors is for a quorum that is lost with its data.
func (w ward) fromSurvivors(cause string) treatment {
	var names []string
	for _, m := range w.Members {
		if w.survives(m) && (m.Serves || m.Status != Away) {
			names = append(names, m.Name)
		}
	}
	if len(names) == 0 {
		return treatment{cause + "; no member has data to go on with: keep what there is", Remedy{Kind: Restore}}
	}
	return treatment{
		fmt.Sprintf("%s; more than half of the members have lost their data, which no quorum brings back: %s may have the last copy", cause, strings.Join(names, ", ")),
		Remedy{Kind: Recover, Member: strings.Join(names, " ")},
	}
}

// renew is for a member whose data can't be read.
func (w ward) renew(m Member, cause string) treatment {
	_, known := w.known(m)
	switch {
	case w.quorum && w.spares(m) && known:
		return treatment{cause + "; the others have the same, whole", Remedy{Kind: Replace, Member: m.Name}}
	case w.quorum:
		return w.replace(m, cause)
	case w.returns():
		return w.wakeHolders(m, cause)
	}
	return w.fromSurvivors(cause)
}

// rekey is for a member with a certificate or key that etcd can't read. One that it
// has made for itself it does not make anew as long as it is there.
func (w ward) rekey(m Member, c candidate) treatment {
	if !m.AutoTLS {
		return w.guard(c, treatment{c.cause, Remedy{Kind: CreateCerts}})
	}
	cause := c.cause + ": an interrupted start leaves one in fixtures/client or fixtures/peer of its data folder"
	if _, known := w.known(m); w.quorum && w.spares(m) && known {
		return treatment{cause + "; the others have the same data, and it makes both anew when it joins again", Remedy{Kind: Replace, Member: m.Name}}
	}
	return treatment{cause + "; delete the folder fixtures there, and only that, and it makes both anew", Remedy{}}
}

// readmit is for a member that was taken out of the cluster.
func (w ward) readmit(m Member, cause string) treatment {
	switch {
	case w.quorum:
		return w.replace(m, cause+"; if it is not wanted, take it out of the description; if it is, it joins anew, and what it has is set aside")
	case w.returns():
		return w.wakeHolders(m, cause)
	}
	return w.fromSurvivors(cause)
}

// grow has those join that are there, and that a quorum does not count. What nobody has
// described as a member, no command about members takes for one.
func (w ward) grow(cause string) treatment {
	for i := range w.Members {
		if _, usual := w.member(fmt.Sprintf("etcd%d", i+1)); !usual {
			return treatment{cause + "; where it is to be a member, name it in a cluster file, and `etcdctr up` has it join", Remedy{}}
		}
	}
	return treatment{cause + "; where it is to be a member, its data is set aside, and it joins", Remedy{Kind: Grow, Value: strconv.Itoa(len(w.Members))}}
}

// reunite is for a member of another cluster than its peers. What it has may be
// the last of that other cluster, so nothing is done to it.
func (w ward) reunite(m Member, cause string) treatment {
	switch {
	case w.quorum && w.elder(m):
		return w.goBack(m, cause)
	case w.uncounted(m) && !w.Described && !m.Serves && w.serving() == w.voters():
		return w.grow(cause + "; the others serve, and do not count it")
	case w.quorum:
		return treatment{fmt.Sprintf("%s, which serve without it and are not to be touched: stop %s, keep its data aside, and then replace it", cause, m.Name), Remedy{}}
	case len(w.idle()) > 0:
		return w.wakeHolders(m, cause)
	}
	return treatment{cause + ": find out which cluster is meant, and keep the data of both", Remedy{}}
}

// goBack is for a member of another cluster than those who serve, which may have been
// founded since. What it has is gone on from only where it is known that it has served.
func (w ward) goBack(m Member, cause string) treatment {
	cause += fmt.Sprintf(". It has come to revision %d, and those who serve without it to %d: they may have been founded anew, and nothing else may have what it has", m.Space.Revision, w.revision())
	if w.Served != "" && m.cluster() == w.Served && m.Space.Revision > w.revision() {
		return treatment{cause + ", which has served before", Remedy{Kind: Recover}}
	}
	return treatment{cause, Remedy{Kind: Decide}}
}

// rediscover is for a member that has no data and that the discovery service
// turns away.
func (w ward) rediscover(m Member, c candidate) treatment {
	switch {
	case w.quorum:
		return w.regain(m, "its data is gone, or it never was a member: "+c.cause)
	case w.gone():
		return treatment{c.cause, Remedy{Kind: NewToken}}
	}
	return w.regain(m, c.cause)
}

// add is for a member that the cluster does not know.
func (w ward) add(m Member, c candidate) treatment {
	_, known := w.known(m)
	switch {
	case !w.quorum && w.returns():
		return w.wakeHolders(m, c.cause)
	case !w.quorum || w.Known == nil || known:
		return w.guard(c, treatment{c.cause, Remedy{Kind: Up}})
	case m.Data != DataLost && w.faults[m.Name] != lostData && m.cluster() != "":
		return w.readmit(m, c.cause)
	case w.serving() < w.voters():
		return treatment{c.cause + "; it can be added once all the others serve", Remedy{}}
	case m.PeerURL == "":
		return treatment{c.cause + "; add it with the URL that its peers are to reach it at", Remedy{}}
	}
	return treatment{c.cause, Remedy{Kind: Add, Member: m.Name, Value: m.PeerURL}}
}

// join is for a member that was added and never started.
func (w ward) join(m Member, cause string) treatment {
	if m.Data == DataKept {
		return treatment{cause + "; it has data that is not the cluster's: put that aside first", Remedy{}}
	}
	return treatment{cause, Remedy{Kind: Join, Member: m.Name}}
}

// dismiss is for a member that is not wanted.
func (w ward) dismiss(c candidate) treatment {
	if w.quorum && w.serving() >= majority(w.voters()-1) {
		return treatment{c.cause, c.remedy}
	}
	return treatment{c.cause + "; the others have no quorum without it: put it back into the description", Remedy{}}
}

// makeRoom is for a database that takes no more writes.
func (w ward) makeRoom(cause string) treatment {
	s := w.fuller()
	switch {
	case !w.quorum:
		return treatment{cause + "; making room takes a quorum, so that comes first", Remedy{}}
	case s.Quota > 0 && s.Size > 0 && !s.tight(s.Size):
		return treatment{cause + "; there is room again, and only the alarm is left", Remedy{Kind: Disarm}}
	case w.serving() < w.voters(): // each member is away for a moment, while all others serve
		return treatment{cause + "; room is made once all members serve", Remedy{}}
	case s.Compacted && s.Quota > 0 && s.Size >= s.Quota && s.full():
		return treatment{cause + "; all of it is in use: delete what is not needed, or raise quota-backend-bytes and run `etcdctr up`, and then `etcdctr compact --recover`", Remedy{}}
	}
	return treatment{cause, Remedy{Kind: MakeRoom}}
}

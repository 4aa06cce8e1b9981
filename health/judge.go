package health

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/etcdctr/etcdctr/internal/lifespan"
)

const (
	// maxLag is how many raft entries a member may be behind. Under load the
	// answers of two members are some hundred entries apart; at 5000 etcd
	// itself refuses further writes (maxGapBetweenApplyAndCommitIndex).
	maxLag = 1000

	// maxClockDrift is the difference at which etcd warns ("prober found high
	// clock drift").
	maxClockDrift = time.Second

	// spaceWarning is the share of the quota at which there is still time to
	// compact and defragment before etcd stops all writes.
	spaceWarning = 0.8

	// certificateWarning is the share of its life at whose end a certificate
	// is due: Let's Encrypt renews at a third, and so leaves a month of three.
	certificateWarning = 3
)

// verdict collects what is to be said about members.
type verdict struct {
	answers  []answer
	now      time.Time
	failures findings
	warnings findings
}

// judge compares the answers.
func judge(answers []answer, now time.Time) Report {
	v := &verdict{answers: answers, now: now}
	if len(answers) == 0 {
		v.failures.add("", "there is no member to ask")
	}
	if v.oneCluster() {
		v.leftOver()
		v.exactlyTheExpected()
		v.oneLeader()
		v.sameData()
	}
	v.allAnswer()
	for _, a := range v.answered() {
		v.serves(a)
		v.alarms(a)
		v.space(a)
		v.open(a)
	}
	v.closeIndexes()
	v.closeClocks()
	v.certificates()
	v.oneVersion()
	return v.report()
}

// answered are the members that told their status.
func (v *verdict) answered() []answer {
	return slices.DeleteFunc(slices.Clone(v.answers), func(a answer) bool { return a.err != nil })
}

// oneCluster reports whether all members are in the same cluster. If they are
// not, it is pointless to compare them further.
func (v *verdict) oneCluster() bool {
	clusters := map[uint64][]string{}
	alone := true
	for _, a := range v.answered() {
		id := a.status.Header.ClusterId
		clusters[id] = append(clusters[id], a.member.Name)
		alone = alone && len(a.members) == 1
	}
	if len(clusters) < 2 {
		return true
	}
	var parts []string
	for id, names := range clusters {
		parts = append(parts, fmt.Sprintf("%s in %x", strings.Join(names, ", "), id))
	}
	slices.Sort(parts)
	why := "find out which is meant; keep the data of all until then"
	if alone {
		why = "each member formed a cluster of its own, because it was not told of the others or did not " +
			"understand the setting that tells it: correct that; nothing puts together what they hold, so save what is wanted of it first"
	}
	v.failures.add("", "%d clusters instead of one (%s): %s", len(clusters), strings.Join(parts, "; "), why)
	return false
}

// open says that plain text is, which nothing else shows: whoever asks with TLS is
// answered as ever.
func (v *verdict) open(a answer) {
	if a.member.Bridges {
		v.warnings.add(a.member.Name, "answers clients without TLS, too, whoever they are: `etcdctr up --clients moved` ends what is in between, "+
			"once all clients have moved")
	}
}

func (v *verdict) allAnswer() {
	for _, a := range v.answers {
		if a.err != nil && !v.isLeft(a) {
			one, several := a.whySilent()
			v.failures.addEither(a.member.Name, "does not answer: "+one, "do not answer: "+several)
		}
	}
}

// whySilent is why a member does not answer, as it is said of one and of several.
func (a answer) whySilent() (one, several string) {
	switch m := a.member; {
	case m.Held != "":
		return m.Held, m.Held
	case m.Paused:
		return "it is paused: `etcdctr up` has it go on", "they are paused: `etcdctr up` has them go on"
	case m.Idle != "":
		return "it is " + m.Idle, "they are " + m.Idle
	}
	return a.err.Error(), a.err.Error()
}

// leftOver is about servers that are neither described nor members any more.
func (v *verdict) leftOver() {
	for _, a := range v.answers {
		if v.isLeft(a) {
			v.failures.add(a.member.Name, "is no member any more, and the description does not have it: `etcdctr up` takes it away")
		}
	}
}

// isLeft reports that a server is not described, and that those who tell who the members
// are don't know it.
func (v *verdict) isLeft(a answer) bool {
	told := false
	for _, o := range v.answered() {
		told = told || o.members != nil && o.readErr == nil
		if slices.ContainsFunc(o.members, a.member.is) {
			return false
		}
	}
	return told && a.member.Unwanted
}

// is reports whether it is the one that a member knows. Until one has moved, another one has
// its name.
func (m Member) is(known *etcdserverpb.Member) bool {
	if m.PeerURL == "" {
		return known.Name == m.Name
	}
	return slices.ContainsFunc(strings.Split(m.PeerURL, ","), func(url string) bool { return slices.Contains(known.PeerURLs, url) })
}

// exactlyTheExpected compares what each member knows of the membership with
// what it ought to be.
func (v *verdict) exactlyTheExpected() {
	for _, a := range v.answered() {
		known := map[string]uint64{}
		for _, m := range a.members {
			name := m.Name
			if name == "" {
				v.neverStarted(a, m)
				continue
			}
			known[name] = m.ID
			v.elsewhere(a, m)
			if !v.expected(name) {
				v.failures.add(a.member.Name, "knows a member %s that is not here: `etcdctr up` has it run again, or takes it out of the cluster "+
					"where the description names the others alone", name)
			}
		}
		v.missing(a, known)
	}
}

func (v *verdict) missing(a answer, known map[string]uint64) {
	if a.members == nil {
		if !a.status.IsLearner { // etcd lets no learner tell
			v.failures.add(a.member.Name, "does not tell who the members are")
		}
		return
	}
	for _, other := range v.answers {
		id, ok := known[other.member.Name]
		switch {
		case !ok && addedAt(a.members, other.member.PeerURL): // see neverStarted
		case !ok && other.member.Unwanted: // see leftOver
		case !ok:
			v.failures.add(a.member.Name, "does not know %s as a member: `etcdctr doctor` tells what it takes to have it join",
				other.member.Name)
		case other.member.Name == a.member.Name && id != a.status.Header.MemberId:
			v.failures.add(a.member.Name, "is answered for by another member (%x): its address leads to the wrong one",
				a.status.Header.MemberId)
		}
	}
}

// elsewhere is about a member that others are to reach where it is not. It dials them by
// itself, after a restart too, so that nothing else shows it before it needs a snapshot or
// another one that is elsewhere.
func (v *verdict) elsewhere(a answer, m *etcdserverpb.Member) {
	for _, other := range v.answers {
		at := strings.Split(other.member.PeerURL, ",")
		if other.member.Name != m.Name || other.member.PeerURL == "" || slices.ContainsFunc(at, func(url string) bool { return slices.Contains(m.PeerURLs, url) }) {
			continue
		}
		v.warnings.add(a.member.Name, "reaches %s at %s, as etcd has it, and it is at %s: `etcdctr up` puts that right",
			m.Name, strings.Join(m.PeerURLs, ","), other.member.PeerURL)
	}
}

// neverStarted is about a member that was added, and has no name before it has
// started.
func (v *verdict) neverStarted(a answer, m *etcdserverpb.Member) {
	who := "a member at " + strings.Join(m.PeerURLs, ",")
	for _, other := range v.answers {
		if other.member.PeerURL != "" && slices.Contains(m.PeerURLs, other.member.PeerURL) {
			who = other.member.Name
		}
	}
	if !v.allKnow(a, m.ID) { // so that `etcdctr up`, which asks the leader, may have nothing to do about it
		v.failures.add(a.member.Name, "knows %s as added and never started, and others don't know it, as where max-learners has differed: "+
			"`etcdctr etcdctl --endpoints %s member remove %x` takes it out", who, a.member.ClientURL, m.ID)
		return
	}
	v.failures.add(a.member.Name, "knows %s as added and never started: `etcdctr up` starts it, or takes it out of the cluster where the description does not name it", who)
}

// allKnow reports whether all that tell who the members are, and have come as far as who
// knows one, count that one.
func (v *verdict) allKnow(who answer, id uint64) bool {
	return !slices.ContainsFunc(v.answered(), func(a answer) bool {
		lags := a.status.RaftAppliedIndex < who.status.RaftAppliedIndex
		return a.members != nil && !lags && !slices.ContainsFunc(a.members, func(m *etcdserverpb.Member) bool { return m.ID == id })
	})
}

// addedAt reports whether a member was added at a URL, and has no name yet.
func addedAt(members []*etcdserverpb.Member, peerURL string) bool {
	return peerURL != "" && slices.ContainsFunc(members, func(m *etcdserverpb.Member) bool {
		return m.Name == "" && slices.Contains(m.PeerURLs, peerURL)
	})
}

func (v *verdict) expected(name string) bool {
	return slices.ContainsFunc(v.answers, func(a answer) bool { return a.member.Name == name })
}

func (v *verdict) oneLeader() {
	leaders := map[uint64][]string{}
	for _, a := range v.answered() {
		if a.status.Leader == 0 {
			v.failures.add(a.member.Name, "has no leader: more than half of the members must run and reach each other")
			continue
		}
		leaders[a.status.Leader] = append(leaders[a.status.Leader], a.member.Name)
	}
	if len(leaders) < 2 {
		return
	}
	var parts []string
	for id, followers := range leaders {
		parts = append(parts, fmt.Sprintf("%s according to %s", v.nameOf(id), strings.Join(followers, ", ")))
	}
	slices.Sort(parts)
	v.failures.add("", "%d leaders instead of one: %s", len(leaders), strings.Join(parts, "; "))
}

// nameOf gives a member's name, or its ID where nobody knows the name.
func (v *verdict) nameOf(id uint64) string {
	for _, a := range v.answered() {
		for _, m := range a.members {
			if m.ID == id && m.Name != "" {
				return m.Name
			}
		}
	}
	return strconv.FormatUint(id, 16)
}

func (v *verdict) serves(a answer) {
	switch {
	case a.status.IsLearner: // it serves no linearizable read, and is not meant to
		v.warnings.add(a.member.Name, "is joining, %d %% in step: `etcdctr up` gives it its vote once it is", v.share(a))
	case a.readErr != nil:
		v.failures.addEither(a.member.Name, fmt.Sprintf("does not answer a linearizable read: %v", a.readErr), fmt.Sprintf("do not answer a linearizable read: %v", a.readErr))
	}
}

// share is how much a member has carried out of what the others know of, in
// percent.
func (v *verdict) share(a answer) uint64 {
	front := v.front()
	if front == 0 {
		return 0
	}
	return min(100, a.status.RaftAppliedIndex*100/front)
}

func (v *verdict) front() (front uint64) {
	for _, a := range v.answered() {
		front = max(front, a.status.RaftIndex)
	}
	return front
}

// remedies of the alarms that etcd knows.
var remedies = map[string]string{
	"NOSPACE": "its database reached the quota and it refuses all writes: `etcdctr compact --recover` makes room and drops the alarm",
	"CORRUPT": "its data differs from the others', and no member takes a write or lets a lease end: `etcdctr doctor` tells whether they can replace it",
}

func (v *verdict) alarms(a answer) {
	for _, alarm := range v.alarmsOf(a) {
		v.failures.add(a.member.Name, "alarm %s: %s", alarm, remedies[alarm])
	}
}

// Tight reports whether a database of so many bytes is close to its quota, or
// over it. A quota of zero is one that nobody has told.
func Tight(bytes, quota int64) bool {
	return quota > 0 && float64(bytes) > spaceWarning*float64(quota)
}

func (v *verdict) space(a answer) {
	quota := a.status.DbSizeQuota
	switch {
	case slices.Contains(v.alarmsOf(a), "NOSPACE"): // which says it
	case quota > 0 && a.status.DbSize > quota:
		v.failures.add(a.member.Name, "its database takes %d %% of its quota, and etcd refuses the next write: `etcdctr compact --recover` makes room where old revisions take it, else a larger quota-backend-bytes does",
			a.status.DbSize*100/quota)
	case Tight(a.status.DbSize, quota):
		v.warnings.add(a.member.Name, "its database takes %d %% of its quota: `etcdctr compact --recover` makes room before etcd refuses all writes",
			a.status.DbSize*100/quota)
	}
}

func (v *verdict) closeIndexes() {
	front := v.front()
	for _, a := range v.answered() {
		if lag := front - min(front, a.status.RaftAppliedIndex); lag > maxLag && !a.status.IsLearner { // one that joins has to catch up
			v.failures.add(a.member.Name, "is %d raft entries behind: its disk or its network is too slow", lag)
		}
	}
}

// closeClocks compares the members' clocks with each other. A difference counts
// only as far as it is certain: they are read in whole seconds.
func (v *verdict) closeClocks() {
	for _, a := range v.answered() {
		for _, b := range v.answered() {
			apart := a.clock.earliest - b.clock.latest
			if a.clock.known && b.clock.known && apart > maxClockDrift {
				v.failures.add(a.member.Name, "its clock is %s ahead of that of %s: synchronize the machines' clocks",
					apart.Round(time.Second), b.member.Name)
			}
		}
	}
}

// renewal is what gives a certificate more time. A new one outlives its authority no more
// than the one before, and what members show does not tell when that ends.
const renewal = "renew it, with `etcdctr certs renew` where its authority is here, or `etcdctr certs rotate-ca` where it ends with that"

func (v *verdict) certificates() {
	for _, a := range v.answers {
		for _, c := range a.certificates {
			left := c.cert.NotAfter.Sub(v.now)
			life := c.cert.NotAfter.Sub(c.cert.NotBefore)
			switch {
			case left <= 0:
				v.failures.add(v.shower(a, c), "%s certificate expired %s: %s", c.use, lifespan.When(c.cert.NotAfter, v.now), renewal)
			case left < life/certificateWarning:
				v.warnings.add(v.shower(a, c), "%s certificate ends in %s: %s", c.use, lifespan.Words(left), renewal)
			}
		}
	}
}

// shower names who shows a certificate: the client's is the same everywhere.
func (v *verdict) shower(a answer, c shown) string {
	if c.use == "client" {
		return ""
	}
	return a.member.Name
}

// oneVersion tells which way members of two releases go, and how far they are.
func (v *verdict) oneVersion() {
	of := map[string]int{}
	lower := ""
	for _, a := range v.answered() {
		of[a.status.Version]++
		if d := a.status.DowngradeInfo; d.GetEnabled() {
			lower = minor(d.TargetVersion)
		}
	}
	versions := slices.SortedFunc(maps.Keys(of), byNumber)
	if lower != "" {
		slices.Reverse(versions)
	}
	switch last := len(versions) - 1; {
	case last > 0:
		v.warnings.add("", "the members are on their way from %s to %s, %d of %d: `etcdctr up` finishes that, with --etcd %s where the cluster file says another",
			versions[0], versions[last], of[versions[last]], len(v.answered()), versions[last])
	case lower != "" && minor(versions[0]) != lower:
		v.warnings.add("", "a downgrade to %s is enabled, and no member runs it yet: `etcdctr up --etcd %s` goes on, `etcdctr up` takes it back", lower, lower)
	}
}

// byNumber compares versions of etcd 3, whose parts may have several digits.
func byNumber(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	})
}

// minor is a release without its patch.
func minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

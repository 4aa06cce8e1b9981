package health

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/etcdctr/etcdctr/internal/lifespan"
)

// This file turns answers and a verdict into a Report.

func (v *verdict) report() Report {
	r := Report{
		Time:     v.now,
		Healthy:  len(v.failures) == 0,
		Failures: v.failures.lines(),
		Warnings: v.warnings.lines(),
		Members:  make([]MemberReport, len(v.answers)),
	}
	for i, a := range v.answers {
		r.Members[i] = v.memberReport(a)
	}
	r.ClusterID = agreed(v.answered(), func(a answer) string { return hex(a.status.Header.ClusterId) })
	r.Leader = agreed(v.answered(), func(a answer) string { return v.leaderOf(a) })
	r.Membership, r.MembershipOf = v.membership()
	return r
}

// agreed gives what all answers say, or nothing.
func agreed(answers []answer, says func(answer) string) string {
	if len(answers) == 0 {
		return ""
	}
	first := says(answers[0])
	for _, a := range answers[1:] {
		if says(a) != first {
			return ""
		}
	}
	return first
}

func (v *verdict) leaderOf(a answer) string {
	if a.status.Leader == 0 {
		return ""
	}
	return v.nameOf(a.status.Leader)
}

func (v *verdict) memberReport(a answer) MemberReport {
	r := MemberReport{Name: a.member.Name, Endpoint: a.member.ClientURL, Left: v.isLeft(a)}
	for _, c := range a.certificates {
		r.Certificates = append(r.Certificates, Certificate{
			Use: c.use, Subject: c.cert.Subject.String(),
			NotBefore: c.cert.NotBefore, NotAfter: c.cert.NotAfter, DaysLeft: lifespan.Days(c.cert.NotAfter.Sub(v.now)),
		})
	}
	if a.err != nil {
		r.Error = a.err.Error()
		return r
	}
	s := a.status
	r.ID, r.ClusterID = hex(s.Header.MemberId), hex(s.Header.ClusterId)
	r.Role, r.Version = role(a), s.Version
	r.DBSize, r.DBSizeInUse, r.DBQuota = s.DbSize, s.DbSizeInUse, s.DbSizeQuota
	r.RaftTerm, r.RaftIndex, r.RaftAppliedIndex = s.RaftTerm, s.RaftIndex, s.RaftAppliedIndex
	r.Revision, r.Compacted = s.Header.Revision, a.compacted
	if a.digest.asked && a.digest.err == nil && len(spans(v.answers)) == 1 {
		r.Hash = fmt.Sprintf("%08x", a.digest.hash)
	}
	r.Alarms = v.alarmsOf(a)
	if a.readErr == nil {
		r.ReadMillis = float64(a.read.Microseconds()) / 1000
	}
	if a.clock.known {
		ahead := ((a.clock.earliest + a.clock.latest) / 2).Milliseconds()
		r.ClockAheadMillis = &ahead
	}
	return r
}

// membership is told by a member that has a quorum before one that has not, and
// of which cluster.
func (v *verdict) membership() (known []KnownMember, of string) {
	told := slices.DeleteFunc(v.answered(), func(a answer) bool { return a.members == nil })
	if len(told) == 0 {
		return nil, ""
	}
	teller := told[max(0, slices.IndexFunc(told, func(a answer) bool { return a.readErr == nil }))]
	for _, m := range teller.members {
		known = append(known, KnownMember{ID: hex(m.ID), Name: m.Name, PeerURLs: m.PeerURLs, Learner: m.IsLearner})
	}
	return known, hex(teller.status.Header.ClusterId)
}

func role(a answer) string {
	switch {
	case a.status.IsLearner:
		return Learner
	case a.status.Leader != 0 && a.status.Leader == a.status.Header.MemberId:
		return Leader
	}
	return Follower
}

func hex(id uint64) string { return strconv.FormatUint(id, 16) }

// DaysLeft is the least of the member's certificates, and whether it has any.
func (m MemberReport) DaysLeft() (least int, ok bool) {
	for _, c := range m.Certificates {
		if !ok || c.DaysLeft < least {
			least, ok = c.DaysLeft, true
		}
	}
	return least, ok
}

// CertificatesEnd is when the first of the member's certificates ends, and whether it
// has any.
func (m MemberReport) CertificatesEnd() (first time.Time, ok bool) {
	for _, c := range m.Certificates {
		if !ok || c.NotAfter.Before(first) {
			first, ok = c.NotAfter, true
		}
	}
	return first, ok
}

// Lag is how many raft entries the member is behind the one furthest ahead.
func (r Report) Lag(m MemberReport) uint64 {
	var front uint64
	for _, other := range r.Members {
		front = max(front, other.RaftIndex)
	}
	return front - m.RaftAppliedIndex
}

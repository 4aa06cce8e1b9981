package doctor

import (
	"time"

	"github.com/etcdctr/etcdctr/health"
)

// Add completes the evidence with what the members answer.
func (e *Evidence) Add(r health.Report) {
	e.KnownBy = r.MembershipOf
	for _, k := range r.Membership {
		e.Known = append(e.Known, Known{ID: k.ID, Name: k.Name, PeerURLs: k.PeerURLs, Learner: k.Learner})
	}
	for _, answer := range r.Members {
		for i := range e.Members {
			if e.Members[i].Name == answer.Name {
				e.Members[i].expire(answer, r.Time)
				e.Members[i].hear(answer)
			}
		}
	}
}

func (m *Member) hear(r health.MemberReport) {
	if m.Silence = r.Error; r.Error != "" {
		return
	}
	m.Answers, m.Serves = true, r.ReadMillis > 0
	m.Learner = r.Role == health.Learner
	m.ClusterID, m.Alarms, m.Hash = r.ClusterID, r.Alarms, r.Hash
	m.Space = Space{
		Size: r.DBSize, InUse: r.DBSizeInUse, Quota: r.DBQuota,
		Revision: r.Revision, Compacted: r.Compacted,
	}
}

// expire notes the certificates around a member that have ended by now.
func (m *Member) expire(r health.MemberReport, now time.Time) {
	for _, c := range r.Certificates {
		if c.NotAfter.After(now) {
			continue
		}
		m.Expired = append(m.Expired, c.Use)
		if m.ExpiredAt.IsZero() || c.NotAfter.Before(m.ExpiredAt) {
			m.ExpiredAt, m.Lived = c.NotAfter, c.NotAfter.Sub(c.NotBefore)
		}
	}
}

package dashboard

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/runtime"
)

// View is what the page shows.
type View struct {
	Cluster string    `json:"cluster"`
	Runtime string    `json:"runtime"`
	Now     time.Time `json:"now"`
	EveryMS int64     `json:"everyMillis"`
	KeptMS  int64     `json:"keptMillis"`

	// Failure is why the cluster can't be seen; empty if it can.
	Failure string `json:"failure,omitempty"`
	// Word is the cluster's state: healthy, failing, stopped, absent, unseen or
	// asking, before the first answer.
	Word     string    `json:"word"`
	Asked    time.Time `json:"asked"` // when members were asked last
	Failures []string  `json:"failures"`
	Warnings []string  `json:"warnings"`
	Leader   string    `json:"leader,omitempty"`
	Term     uint64    `json:"term,omitempty"`
	ID       string    `json:"id,omitempty"`
	TLS      string    `json:"tls,omitempty"`
	Quota    float64   `json:"quota,omitempty"` // bytes

	Members []MemberView `json:"members"`
	Charts  []Chart      `json:"charts"`

	// Times are when looks were taken, in milliseconds since 1970, and Tracks what
	// was seen at each, by member.
	Times  []int64              `json:"times"`
	Tracks map[string]TrackView `json:"tracks"`
	Events []Event              `json:"events"`
}

// MemberView is a member as it is.
type MemberView struct {
	Name     string    `json:"name"`
	Status   string    `json:"status"` // what runs it says: running, stopped…
	Role     string    `json:"role"`   // leader, follower, learner; empty if it does not answer
	Serves   bool      `json:"serves"`
	Error    string    `json:"error,omitempty"`
	Release  string    `json:"release,omitempty"`
	Since    time.Time `json:"since,omitzero"` // when it took its status
	Restarts int       `json:"restarts"`
	ReadMS   float64   `json:"readMillis,omitempty"`
	Size     int64     `json:"size,omitempty"`  // bytes of the database's file
	InUse    int64     `json:"inUse,omitempty"` // bytes
	Quota    int64     `json:"quota,omitempty"` // bytes
	Behind   uint64    `json:"behind"`          // entries of the log
	Days     *int      `json:"days,omitempty"`  // until the first of its certificates expires
	Alarms   []string  `json:"alarms,omitempty"`
}

// TrackView is a member over time.
type TrackView struct {
	State []State             `json:"state"`
	Lines map[string]sequence `json:"lines"`
}

// sequence is a line over time, with null where nothing is known.
type sequence []float32

// MarshalJSON writes four digits, which a picture does not tell from more.
func (s sequence) MarshalJSON() ([]byte, error) {
	const digits = 4
	b := make([]byte, 0, len(s)*8+2)
	b = append(b, '[')
	for i, v := range s {
		if i > 0 {
			b = append(b, ',')
		}
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			b = append(b, "null"...)
		} else {
			b = strconv.AppendFloat(b, f, 'g', digits, 32)
		}
	}
	return append(b, ']'), nil
}

var _ json.Marshaler = sequence(nil)

// View gives what is new since a moment, in milliseconds since 1970: with 0 all
// that is kept.
func (s *Sampler) View(since int64) View {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := View{
		Now: s.now(), EveryMS: Every.Milliseconds(), KeptMS: History.Milliseconds(),
		Word: s.word(), Asked: s.report.Time, Failures: s.report.Failures, Warnings: s.report.Warnings,
		Leader: s.report.Leader, ID: s.report.ClusterID, Quota: s.quota(), Charts: Charts, Events: s.events.events,
	}
	if s.failure != nil {
		v.Failure = s.failure.Error()
	}
	if s.state != nil {
		v.Cluster, v.Runtime = s.state.Name, s.state.Runtime
		for _, m := range s.state.Members() {
			v.Members = append(v.Members, s.member(m))
			if len(m.Settings) > 0 {
				v.TLS = string(m.TLS())
			}
		}
	}
	for _, m := range s.report.Members {
		v.Term = max(v.Term, m.RaftTerm)
	}
	from, _ := slices.BinarySearch(s.rings.times, since+1)
	v.Times = slices.Clone(s.rings.times[from:])
	v.Tracks = map[string]TrackView{}
	for name, t := range s.rings.members {
		track := TrackView{State: slices.Clone(t.state[from:]), Lines: map[string]sequence{}}
		for i, l := range lines {
			track.Lines[l.ID] = slices.Clone(t.lines[i][from:])
		}
		v.Tracks[name] = track
	}
	v.Events = slices.Clone(v.Events)
	return v
}

func (s *Sampler) word() string {
	switch {
	case s.failure != nil:
		return "unseen"
	case s.state == nil:
		return "asking"
	case len(s.state.Servers) == 0:
		return "absent"
	case !s.state.Runs():
		return "stopped"
	case s.report.Time.IsZero():
		return "asking"
	case s.report.Healthy:
		return "healthy"
	}
	return "failing"
}

func (s *Sampler) member(m runtime.Server) MemberView {
	v := MemberView{Name: m.Name, Status: string(m.Status), Release: m.Release, Since: m.Since, Restarts: m.Restarts}
	i := slices.IndexFunc(s.report.Members, func(r health.MemberReport) bool { return r.Name == m.Name })
	if i < 0 {
		return v
	}
	r := s.report.Members[i]
	if days, ok := r.DaysLeft(); ok {
		v.Days = &days
	}
	if !m.Runs() {
		return v
	}
	v.Role, v.Error, v.ReadMS, v.Alarms = r.Role, r.Error, r.ReadMillis, r.Alarms
	v.Size, v.InUse, v.Quota, v.Behind = r.DBSize, r.DBSizeInUse, r.DBQuota, s.report.Lag(r)
	if r.Version != "" {
		v.Release = "v" + r.Version
	}
	now, answers := s.last[m.Name]
	v.Serves = answers && r.Error == "" && now.values["has leader"] == 1
	if size, ok := now.values["file"]; ok {
		v.Size, v.InUse = int64(size), int64(now.values["in use"])
		v.Quota = cmp.Or(int64(now.values["quota"]), v.Quota)
	}
	return v
}

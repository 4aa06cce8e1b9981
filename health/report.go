package health

import (
	"time"
)

// Report is what is true of a cluster at a moment.
type Report struct {
	Time    time.Time `json:"time"`
	Healthy bool      `json:"healthy"` // nothing failed

	// Failures are what keeps the cluster from being healthy, the most telling
	// first. Each names the member that it is about and what to do.
	Failures []string `json:"failures"`
	// Warnings are what will become a failure if nobody does anything.
	Warnings []string `json:"warnings"`
	// Remarks are what is good to know, and asks for nothing.
	Remarks []string `json:"remarks,omitempty"`

	ClusterID string         `json:"clusterId"` // hexadecimal as etcdctl prints it; empty if the members disagree
	Leader    string         `json:"leader"`    // its name; empty if the members disagree or have none
	Members   []MemberReport `json:"members"`

	// Membership is who the members are as etcd has it, told by a member that has
	// a quorum if one does; empty if nobody tells.
	Membership []KnownMember `json:"membership,omitempty"`
	// MembershipOf is the cluster whose membership that is, hexadecimal.
	MembershipOf string `json:"membershipOf,omitempty"`

	// Aside is the former data of members that was set aside, where what runs them says so.
	Aside []Aside `json:"aside,omitempty"`
}

// Aside is former data of a member that serves nobody: a restoration or a replacement has
// set it aside.
type Aside struct {
	Member string    `json:"member"`
	Where  string    `json:"where"`
	Since  time.Time `json:"since,omitzero"`
	Bytes  int64     `json:"bytes,omitempty"` // 0 where that is not known
}

// Serving is how many members answer linearizable reads: those are as many as serve, and
// where there are any the cluster has its quorum.
func (r Report) Serving() int {
	n := 0
	for _, m := range r.Members {
		if m.ReadMillis > 0 {
			n++
		}
	}
	return n
}

// Size is how many members there are to be: those that are there and, where etcd counts
// more, such as one whose container is gone, as many.
func (r Report) Size() int { return max(len(r.Members)-len(r.Left()), len(r.Membership)) }

// Left are the servers that are there and neither described nor members any more.
func (r Report) Left() []string {
	var names []string
	for _, m := range r.Members {
		if m.Left {
			names = append(names, m.Name)
		}
	}
	return names
}

// KnownMember is a member as etcd's own membership has it.
type KnownMember struct {
	ID       string   `json:"id"`   // hexadecimal
	Name     string   `json:"name"` // empty until it has started for the first time
	PeerURLs []string `json:"peerUrls"`
	Learner  bool     `json:"learner,omitempty"`
}

// MemberReport is what is true of one member. All but Name and Endpoint are
// empty if it did not answer.
type MemberReport struct {
	Name     string `json:"name"`
	Endpoint string `json:"endpoint"`
	Error    string `json:"error,omitempty"` // why it did not answer
	Left     bool   `json:"left,omitempty"`  // it is neither described nor a member any more

	ID        string `json:"id,omitempty"`        // hexadecimal
	ClusterID string `json:"clusterId,omitempty"` // hexadecimal
	Role      string `json:"role,omitempty"`      // leader, follower or learner
	Version   string `json:"version,omitempty"`

	ReadMillis float64 `json:"readMillis,omitempty"` // what a linearizable read took

	DBSize      int64 `json:"dbSize,omitempty"`      // bytes of the database file
	DBSizeInUse int64 `json:"dbSizeInUse,omitempty"` // bytes of it that hold data
	DBQuota     int64 `json:"dbQuota,omitempty"`     // bytes; 0 if it is not known

	RaftTerm         uint64 `json:"raftTerm,omitempty"`
	RaftIndex        uint64 `json:"raftIndex,omitempty"`
	RaftAppliedIndex uint64 `json:"raftAppliedIndex,omitempty"`

	Revision int64 `json:"revision,omitempty"` // of the store, as it has it
	// Compacted says of a member with an alarm that no history before Revision
	// is left: compacting makes no more room.
	Compacted bool `json:"compacted,omitempty"`

	// Hash is that of all its data, hexadecimal, where the data was compared.
	Hash string `json:"hash,omitempty"`

	// Alarms are its own, and those of members that are there no more.
	Alarms []string `json:"alarms,omitempty"`

	// ClockAheadMillis is how far its clock is ahead of the asking machine's,
	// give or take half a second; absent if it could not be found out.
	ClockAheadMillis *int64 `json:"clockAheadMillis,omitempty"`

	Certificates []Certificate `json:"certificates,omitempty"`
}

// The roles of members.
const (
	Leader   = "leader"
	Follower = "follower"
	Learner  = "learner"
)

// Certificate is a certificate in use.
type Certificate struct {
	Use       string    `json:"use"` // server, peer or client: who shows it
	Subject   string    `json:"subject"`
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
	DaysLeft  int       `json:"daysLeft"` // whole days, negative once expired
}

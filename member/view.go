package member

import "time"

// View is a cluster at one moment: what etcd counts as its members, and what
// each of them says of itself.
type View struct {
	// Members are those that etcd counts, by name and then by ID; by what the
	// leader says if it answers, else by the member that knows most.
	Members []Member
	// Endpoints are those that were asked, by name. A member may have none, and
	// an endpoint may be no member.
	Endpoints []Endpoint
}

// Endpoint is what was seen of one member.
type Endpoint struct {
	Name string // as the asker calls it
	URL  string // of its clients, as the asker reaches it

	// Trouble is why the member did not tell its status; empty if it did. Then
	// nothing below is known.
	Trouble Trouble
	// Details are Trouble's for people.
	Details string

	Cluster ID
	ID      ID
	// Version is the member's own, such as "3.6.16"; ClusterVersion the one that
	// the members agreed on, such as "3.6.0" (empty until they have).
	Version, ClusterVersion string
	// StorageVersion is that of the member's data, such as "3.6.0"; etcd 3.5 does
	// not tell.
	StorageVersion string

	Leader  ID // zero as long as the member knows none
	Learner bool
	Term    uint64
	// Index is the last committed raft entry that the member knew of when it was
	// asked first, Applied the last that it had carried out when it was asked
	// again, after all others had been asked first: a member is in step if its
	// Applied is at least the leader's Index.
	Index, Applied uint64
	// Revision is the member's newest of the key space.
	Revision int64
	// DBSize is what the database takes on disk, DBInUse what of it is not free,
	// both in bytes. Quota is the limit of the former; zero from etcd 3.5, which
	// does not tell.
	DBSize, DBInUse, Quota int64
	// Alarms are the cluster's, as this member knows them.
	Alarms []Alarm
	// Errors are what else the member finds wrong, in its own words.
	Errors []string
	// DowngradeTarget is the version that a downgrade was enabled to, such as
	// "3.6.0"; empty if none is under way. etcd 3.5 does not tell.
	DowngradeTarget string

	// Read is why the member did not answer a linearizable read; empty if it
	// did, which proves a leader and a quorum, and is what serving means.
	Read Trouble
	// ReadDetails are Read's for people.
	ReadDetails string
	// Latency is what that read took.
	Latency time.Duration
}

// Answers tells whether the member told its status.
func (e Endpoint) Answers() bool { return e.Trouble == "" && e.ID != 0 }

// Serves tells whether clients can use the member.
func (e Endpoint) Serves() bool { return e.Answers() && e.Read == "" }

// Trouble is a kind of failure of a question to a member.
type Trouble string

// The kinds of trouble.
const (
	Refused     Trouble = "refused"     // nobody listens at the address
	Unreachable Trouble = "unreachable" // no way to the address, or the name is not known
	Untrusted   Trouble = "untrusted"   // the certificates do not go together, or one side has no TLS
	Silent      Trouble = "silent"      // accepts connections and does not answer: it has no quorum yet, or hangs
	NoLeader    Trouble = "no leader"   // knows of no leader, or gets no answer of a quorum
	IsLearner   Trouble = "learner"     // a learner does not answer that
	Denied      Trouble = "denied"      // etcd's users do not permit it
	Other       Trouble = "other"       // what the details say
)

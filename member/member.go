package member

import "strconv"

// ID is a member's or a cluster's, as etcd gave it. Zero stands for none.
type ID uint64

// String is the ID as etcd writes it: hexadecimal, without leading zeros.
func (id ID) String() string { return strconv.FormatUint(uint64(id), 16) }

// Member is a member as etcd counts it, whether it runs or not.
type Member struct {
	ID ID
	// Name is empty until the member has started for the first time: it is the
	// member that makes its name known.
	Name       string
	PeerURLs   []string
	ClientURLs []string // empty like Name
	// Learner says that the member has no vote yet.
	Learner bool
}

// Started tells whether the member has ever run.
func (m Member) Started() bool { return m.Name != "" }

// String names the member for people: by its ID where it has no name yet.
func (m Member) String() string {
	if m.Started() {
		return m.Name
	}
	return m.ID.String()
}

// Alarm is an alarm that a member raised. Until it is disarmed, the whole
// cluster goes by it.
type Alarm struct {
	Member ID
	Kind   AlarmKind
}

// AlarmKind is one of etcd's alarms, by etcd's word for it.
type AlarmKind string

// The alarms of etcd 3.5 to 3.7.
const (
	NoSpace AlarmKind = "NOSPACE" // the database reached its quota: no write is accepted
	Corrupt AlarmKind = "CORRUPT" // the member's data differs from the others'
)

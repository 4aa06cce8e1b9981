package doctor

import (
	"slices"
	"time"
)

// Evidence is what is known of a stack.
type Evidence struct {
	// Members are those that were described, or are there.
	Members []Member
	// Known is the membership as etcd has it, told by a member with a quorum if
	// there is one; nil if nobody tells.
	Known []Known
	// KnownBy is the cluster whose membership Known is, hexadecimal; empty where
	// it is not said.
	KnownBy string
	// Served is the cluster that was last seen to serve, hexadecimal; empty where nobody
	// has noted it.
	Served string
	// Described says that Members are the description of the cluster: whom etcd
	// knows beyond them is not wanted. Otherwise Members are those found, and
	// whom etcd knows beyond them is missing.
	Described bool
	// AsDescribed says that nothing of what is there is other than the description has it:
	// who was stopped has only to be started.
	AsDescribed bool
	// Now is when the evidence was gathered.
	Now time.Time

	// Flags are those that name the cluster on a command line, and CertsFlags
	// those that name its certificates alone; each may be empty.
	Flags, CertsFlags []string
	// Wanted are the flags of `etcdctr up`, where they are not Flags.
	Wanted []string
	// Disk is the command that shows how full the members' disk is; empty: that
	// of the engine.
	Disk string
}

// Known is a member as etcd's own membership has it.
type Known struct {
	ID       string // hexadecimal, as etcdctl prints it
	Name     string // empty until it has started for the first time
	PeerURLs []string
	Learner  bool // has no vote
}

// Member is what is known of one member.
type Member struct {
	Name   string
	Status Status
	// Since is when it took this status; zero where that is not known.
	Since time.Time
	// ExitCode is that of a member that has ended, and Detail what its runtime says of
	// how. Whether it was asked to is in the Status: codes alone don't tell.
	ExitCode int
	Detail   string
	// Emptied says that it had its data when it was started, and ended once that was gone:
	// whatever its last words are, they come of that.
	Emptied bool
	// OutOfMemory says that the kernel ended it for its memory.
	OutOfMemory bool
	// EngineError is why the engine could not start it.
	EngineError string
	// Held is why nobody starts it, such as that its node takes nothing: its log is of a
	// start that is over.
	Held string
	// Off is the network that it belongs on and is not; empty where it is.
	Off string
	// Waits says that it was not started, because of another: it is no cause.
	Waits bool
	// AutoTLS says that it makes its certificates for itself.
	AutoTLS bool
	// Looked says that whoever gathered the evidence looks at the files of certificates that
	// it reads, at every handshake while it runs: what its log has of them may be put right.
	Looked bool
	// Filtered are the devices, as iptables takes them, of networks on which a firewall of
	// its machine stands between it and its peers; empty where none is known to.
	Filtered string
	// Engine is how the engine of its machine is reached, a URL or a Docker context;
	// empty where it is the one of here.
	Engine string
	// PeerURL is where its peers are to reach it, where that is known.
	PeerURL string
	// Data is what is known of its data.
	Data Data
	// Answers says that it tells its status, and Serves that it answers a
	// linearizable read: whatever its log says is over.
	Answers, Serves bool
	// Silence is why it did not answer, in the words of whoever asked it.
	Silence string
	// Learner says that it has no vote, as it says itself.
	Learner bool
	// ClusterID is the cluster that it says it is in, hexadecimal; empty if it
	// does not say.
	ClusterID string
	// Alarms are those that etcd has raised for it, in etcd's words.
	Alarms []string
	// Hash is that of all its data, where it was compared with the others'.
	Hash string
	// Expired are the certificates around it that have ended: server, peer or
	// client, who shows it.
	Expired []string
	// ExpiredAt is when the first of these ended, and Lived how long it was good for;
	// zero where that is not known.
	ExpiredAt time.Time
	Lived     time.Duration
	// Space is what its database takes.
	Space Space
	// Log is the end of its log, oldest line first, of its current start, see
	// CurrentStart.
	Log []string
}

// Space is what a member's database takes, in bytes; zero is unknown.
type Space struct {
	Size  int64 // of the file
	InUse int64 // of it, what holds data
	Quota int64
	// Revision is the store's, and Compacted says that no history before it is
	// left.
	Revision  int64
	Compacted bool
}

// Data is what is known of a member's data.
type Data string

// What may have become of it.
const (
	DataUnknown Data = ""     // there may be some
	DataKept    Data = "kept" // there is some
	DataLost    Data = "lost" // there is none
)

// Status is what a member's container is doing, in Docker's words, or its
// process.
type Status string

// What a container may be doing.
const (
	Missing    Status = "missing"
	Created    Status = "created"
	Running    Status = "running"
	Restarting Status = "restarting"
	Paused     Status = "paused"
	Exited     Status = "exited" // as it was asked to, or in order
	Dead       Status = "dead"
	Failed     Status = "failed" // ended by itself, or was killed
	Away       Status = "away"   // its machine does not answer
)

func (e Evidence) member(name string) (Member, bool) {
	i := slices.IndexFunc(e.Members, func(m Member) bool { return m.Name == name })
	if i < 0 {
		return Member{Name: name, Status: Missing}, false
	}
	return e.Members[i], true
}

// known is how etcd's membership has a member: by its name, or by its URL as
// long as it never started.
func (e Evidence) known(m Member) (Known, bool) {
	i := slices.IndexFunc(e.Known, func(k Known) bool {
		return k.Name == m.Name || k.Name == "" && m.PeerURL != "" && slices.Contains(k.PeerURLs, m.PeerURL)
	})
	if i < 0 {
		return Known{}, false
	}
	return e.Known[i], true
}

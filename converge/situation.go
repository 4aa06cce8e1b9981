package converge

import (
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// Situation is all that Next goes by.
type Situation struct {
	// Want is the cluster that ought to run next; nil where a verb wants only
	// some of what is there to start, stop or restart.
	Want *cluster.Cluster
	// Then are the clusters that ought to run after that, where releases of etcd
	// lie between: see Route. The last of them is what was asked for.
	Then []*cluster.Cluster
	// Have is what the runtime has; nil for nothing.
	Have *runtime.State
	// Changes are the differences of the two.
	Changes []runtime.Change
	// Etcd is what the members say; nil when none could be asked.
	Etcd *member.View
	// Access is what etcd's users may do, where Want says who they are to be; nil
	// when that could not be asked.
	Access *Access
	// Asked is what was asked for by name.
	Asked Asked
	// Done is what this run has done so far that can't be seen, such as a
	// restart that was asked for.
	Done []Step
}

// Asked is what somebody asked for beyond making the description true. Deleting,
// weakening and moving are asked for by name.
type Asked struct {
	Verb Verb
	// Servers that the verb is about; none: all.
	Servers []string
	// Data may be deleted of what is removed.
	Data bool
	// Weaken: settings that make the cluster weaker (see cluster.Weakens) were
	// asked for by name.
	Weaken []string
	// Clients is how far clients are, where the cluster goes over to TLS or from it;
	// empty: nobody has said, and it does not.
	Clients Clients
	// Here: what there is was started in the folder of the description.
	Here bool
}

// Verb is what is asked for.
type Verb string

// The verbs.
const (
	Up      Verb = "up"      // make it as wanted
	Start   Verb = "start"   // start what is there
	Stop    Verb = "stop"    // stop and keep
	Restart Verb = "restart" // one by one
	Down    Verb = "down"    // remove, but for the data
	Replace Verb = "replace" // members, by new ones of the same name without data
)

// Step is one thing to do.
type Step struct {
	Kind    Kind
	Servers []string // that it is about
	// Member is the one that a step of etcd's is about.
	Member member.ID
	// To is the member that leads after MoveLeader, the version that a step is
	// about, such as "3.6.0", or the user or role of etcd's.
	To string
	// Grace is how long a stop may take before the process is killed; zero: what
	// its cluster gives it.
	Grace time.Duration
	// Cause is why, for people.
	Cause string
	// Notice is what clients will notice of it.
	Notice Notice
	// Takes is about how long it takes; zero: too short to tell.
	Takes time.Duration
}

// Notice is what clients notice of a step.
type Notice struct {
	Kind NoticeKind // empty: nothing
	// For is about how long.
	For time.Duration
}

// NoticeKind is a kind of thing that clients notice.
type NoticeKind string

// What clients can notice.
const (
	Wait      NoticeKind = "requests wait"                    // until another member leads
	Reopen    NoticeKind = "clients go to another member"     // with their streams
	Silence   NoticeKind = "no request is answered"           // no quorum
	Empty     NoticeKind = "the data is gone with the memory" // and no other member has it
	Strangers NoticeKind = "clients that are no user are refused"
	Started   NoticeKind = "the cluster serves for the first time" // nobody can have asked it before
)

// Kind is a kind of step.
type Kind string

// The kinds of steps. The runtime's:
const (
	Prepare  Kind = "prepare"        // get what the next ones need and could fail to get
	Apply    Kind = "apply"          // make, replace or start servers as wanted
	Begin    Kind = "start"          // start servers as they are
	End      Kind = "stop"           // stop servers
	Remove   Kind = "remove"         // take servers away, not their data
	Delete   Kind = "delete"         // take servers away with their data
	SetAside Kind = "set data aside" // so that a server starts empty
	// Join starts a member as one that joins, with what etcd counts at that
	// moment.
	Join Kind = "join"
)

// etcd's:
const (
	AddLearner    Kind = "add learner"
	Promote       Kind = "promote" // once it is alive and in step
	RemoveMember  Kind = "remove member"
	UpdatePeers   Kind = "update peer URLs"
	MoveLeader    Kind = "move leader"
	AllowLower    Kind = "enable downgrade"
	ForbidLower   Kind = "cancel downgrade"
	RefreshStore  Kind = "refresh storage" // what etcd 3.7 needs of data that 3.5 wrote
	AwaitServing  Kind = "wait until it serves"
	AwaitSteady   Kind = "wait until all is steady"
	AwaitStorage  Kind = "wait for the storage version"
	AwaitVersion  Kind = "wait for the cluster version"
	CompareHashes Kind = "compare the data"
	PutRole       Kind = "set role"
	DropRole      Kind = "remove role"
	PutUser       Kind = "set user"
	DropUser      Kind = "remove user"
	TurnUsersOn   Kind = "turn users on"
	TurnUsersOff  Kind = "turn users off"
)

// Those of bringing a cluster back, which package backup does:
const (
	Keep Kind = "keep" // what a member holds, as a backup
	Fill Kind = "fill" // give members that do not run the data that they start on
)

// Refusal is a change that is not made, before anything was touched; or, where the
// members that can be reached had to be started, what is lacking after that.
type Refusal struct {
	Server string // that it is about; empty: the cluster
	Reason string // what is wrong, for people
	Remedy Remedy
	// Away says that it is about machines that don't answer. What a plan has before
	// it does not depend on them.
	Away bool
}

// Remedy is what would help. It never costs data that was not named.
type Remedy struct {
	Command []string // arguments of etcdctr; nil if there is none
	Text    string   // what else to do, or what the command does
}

func (r *Refusal) Error() string {
	if r.Server == "" {
		return r.Reason
	}
	return r.Server + ": " + r.Reason
}

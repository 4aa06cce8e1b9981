package runtime

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
)

// Runtime runs the servers of clusters. Servers are named as in the cluster;
// methods that take several act in that order, and with none on all. They are
// safe to call again: what is done already is left as it is.
type Runtime interface {
	// Name is the word for it: in the cluster file's key runtime, or "hosts" for members
	// whose hosts say what runs them.
	Name() string

	// Place resolves spec to a cluster that can run here: it looks for free
	// ports and subnets, keeps those that the cluster has already, and makes
	// nothing.
	Place(ctx context.Context, spec cluster.Spec) (*cluster.Cluster, error)

	// Observe tells what there is of a cluster, running or not; ErrNotFound
	// when there is nothing at all, not even data.
	Observe(ctx context.Context, name string) (*State, error)
	// List observes every cluster that this runtime has.
	List(ctx context.Context) ([]State, error)
	// Data looks whether a server has data that etcd would start on.
	Data(ctx context.Context, name, server string) (Data, error)

	// Changes compares what is wanted with what there is, server by server and
	// setting by setting. What only counts at a server's first start is no
	// change of one that has been started.
	Changes(ctx context.Context, want *cluster.Cluster, have *State) ([]Change, error)
	// Prepare gets what Apply will need and could fail to get (images,
	// programs, a configuration that the engine accepts) while nothing has been
	// stopped yet.
	Prepare(ctx context.Context, want *cluster.Cluster, servers ...string) error
	// Apply makes servers run as wanted: it makes what is missing, starts what
	// does not run, replaces what differs, with the data kept. Servers that do
	// not run yet are all made before the first of them is started, so that one
	// that is Created has never run, and are started as close to each other as
	// serves them.
	Apply(ctx context.Context, want *cluster.Cluster, servers ...string) error

	// Start starts servers that are there and do not run.
	Start(ctx context.Context, name string, servers ...string) error
	// Stop asks servers to end, all of them at once, and kills those that have
	// not ended after grace; with 0 each has the time that its cluster gives it.
	// Which end before others is for the caller to say, by calls. They stay stopped
	// until Start or Apply, also when the machine starts anew.
	Stop(ctx context.Context, name string, grace time.Duration, servers ...string) error
	// Remove removes what Removal names, and what the servers shared once the
	// last of them is gone.
	Remove(ctx context.Context, name string, r Removal) error
	// SetAside puts the data of a stopped server where etcd does not find it,
	// so that the server starts empty, and says where. Nothing is deleted. It
	// gives "" when there is no data.
	SetAside(ctx context.Context, name, server string) (where string, err error)

	// Logs gives the lines of servers to line, which is called by one goroutine
	// at a time, until all are read or, when following, until ctx ends.
	Logs(ctx context.Context, name string, o LogOptions, line func(Line)) error
	// Reach opens the way to the members that run.
	Reach(ctx context.Context, have *State) (Way, error)

	// Lock keeps other commands from changing the cluster until release; waiting,
	// which may be nil, is called once if somebody else holds it.
	Lock(ctx context.Context, name string, waiting func()) (release func() error, err error)
}

// ErrNotFound is the error of looking for a cluster that is not there.
var ErrNotFound = errors.New("there is no such cluster")

// ErrUnavailable is the error of a runtime that can't be used here, such as an
// engine that does not answer.
var ErrUnavailable = errors.New("the runtime is not available")

// Execer is a Runtime that can run a command beside a server, with its files
// and its network.
type Execer interface {
	Exec(ctx context.Context, name, server string, c Command) (exitCode int, err error)
}

// Command is a program that is run beside a server.
type Command struct {
	Args           []string
	Stdin          io.Reader // nil: nothing to read
	Stdout, Stderr io.Writer
	Env            []string // NAME=value, added to the server's
	TTY            bool     // the program talks to a terminal, by Stdin and Stdout
	// Resized gives the terminal's size, at first and whenever it changes.
	Resized <-chan Size
}

// Size of a terminal, in characters.
type Size struct{ Width, Height uint }

// Checker is a Runtime that can tell some of what Prepare refuses while it gets and makes
// nothing.
type Checker interface {
	Check(ctx context.Context, want *cluster.Cluster, servers ...string) error
}

// Fetcher is a Runtime that fetches from elsewhere what servers are made of.
type Fetcher interface {
	// Lacking are what Prepare would fetch, by name, such as references of images.
	Lacking(ctx context.Context, want *cluster.Cluster) ([]string, error)
	// FetchAnew fetches what is there already, where the runtime was told to: what is
	// another thing then is a difference for Changes.
	FetchAnew(ctx context.Context, want *cluster.Cluster) error
}

// Holder is a Runtime that tells whether a program can hold the servers that it
// starts, so that they end with it.
type Holder interface {
	Holds() bool
}

// Holds tells whether a program can hold the servers that a Runtime starts.
func Holds(r Runtime) bool {
	h, ok := r.(Holder)
	return ok && h.Holds()
}

// Seer is a Runtime that tells whether it sees more than what answers. Where one does not,
// a cluster of which nothing answers may be there all the same, with its data.
type Seer interface {
	SeesData() bool
}

// Identified is a Runtime that tells what it asks from another that answers at the same place.
type Identified interface {
	// Identity is that of the engine, or of the swarm; empty where it has none that stays.
	Identity(ctx context.Context) (string, error)
}

// IdentityOf is what a Runtime asks; empty where it is not known.
func IdentityOf(ctx context.Context, r Runtime) string {
	i, ok := r.(Identified)
	if !ok {
		return ""
	}
	id, err := i.Identity(ctx)
	if err != nil {
		return ""
	}
	return id
}

// SeesData reports whether a Runtime that finds nothing of a cluster knows that its data is
// gone.
func SeesData(r Runtime) bool {
	s, ok := r.(Seer)
	return !ok || s.SeesData()
}

// Noter is a Runtime that can keep what a cluster was started with also where no
// server is made anew: see State.Wish.
type Noter interface {
	Note(ctx context.Context, want *cluster.Cluster) error
}

// DataNoter is a Runtime that can note where servers have their data that something else
// has made, so that it is found again when that has removed them.
type DataNoter interface {
	NoteData(ctx context.Context, name string) error
}

// Strayer is a Runtime whose servers may go on where no order reaches them any more.
type Strayer interface {
	// Astray says why none reaches those of a cluster, and what ends them in order; empty
	// where it is not so.
	Astray(name string) (why, remedy string)
}

// Tidier is a Runtime that can remove the State's Leftovers of a cluster.
type Tidier interface {
	Tidy(ctx context.Context, name string) error
}

// Leaver is a Runtime that may have to leave data where it is that Remove was to delete.
type Leaver interface {
	// Left is what was left, by calls of Remove until now.
	Left() []Left
}

// Left is what was left of data in one place.
type Left struct {
	Where   string // the machine
	Command string // that deletes it there
}

// Filterer is a Runtime that can tell whether a firewall stands between its servers, though
// they are on one network of one machine.
type Filterer interface {
	// Filtered gives the devices of its networks, as iptables takes them; empty where none
	// is known to.
	Filtered(ctx context.Context) (devices string, err error)
}

// Sizer is a Runtime that can tell how much data a server has, which it reads before it
// serves.
type Sizer interface {
	// DataSize is that of the database in bytes; 0 where there is none, or nobody knows.
	DataSize(ctx context.Context, name, server string) (int64, error)
}

// Looker is a Runtime that can look into what a server has that does not run.
type Looker interface {
	// Blank tells whether nothing is in the data that etcd would go on from: it has begun it,
	// and no cluster has ever come of that. false: not so, or nobody can look.
	Blank(ctx context.Context, name, server string) (bool, error)
}

// Keeper is a Runtime whose servers keep the files that they were made with: only Apply
// gives them others, and makes them anew for it.
type Keeper interface {
	KeepsFiles() bool
}

// KeepsFiles tells whether the servers of a Runtime keep the files that they were made with.
func KeepsFiles(r Runtime) bool {
	k, ok := r.(Keeper)
	return ok && k.KeepsFiles()
}

// Handed is a Runtime whose servers have the files that somebody has taken to their machines:
// nobody else gives them others.
type Handed interface {
	HandsFiles() bool
}

// HandsFiles tells whether somebody takes the files of its servers to their machines.
func HandsFiles(r Runtime) bool {
	h, ok := r.(Handed)
	return ok && h.HandsFiles()
}

// HandFilled is a Handed whose servers whoever is at their machines gives their data. What is
// to be done is said as where, and a command for a shell.
type HandFilled interface {
	// KeepThere copies what a member holds into a folder on its machine, once it is stopped.
	KeepThere(c *cluster.Cluster, m cluster.Member, folder string) string
	// FillThere has a member begin with the data in a folder that is taken to its machine. What
	// it had is kept there.
	FillThere(c *cluster.Cluster, m cluster.Member, folder string) string
}

// Sharer is a Runtime whose servers may have copies of files of this machine, such as
// their certificates, where they can't be given the files themselves.
type Sharer interface {
	// Share brings the copies that servers have to what is here now. The servers run
	// on meanwhile.
	Share(ctx context.Context, want *cluster.Cluster, servers ...string) error
}

// CopyTeller is a Runtime that tells which servers have other copies of files than there are
// here: of a Sharer what Share would do.
type CopyTeller interface {
	// OldCopies are the servers that have other copies of files than are here now.
	OldCopies(ctx context.Context, want *cluster.Cluster) ([]string, error)
}

// Copier is a Runtime that can read and write files where a server finds them.
// Paths are the server's own, with slashes.
type Copier interface {
	ReadFile(ctx context.Context, name, server, file string) ([]byte, error)
	// ReplaceFiles writes files of a folder, by name, each as a whole, owned and
	// readable as what the server itself has made.
	ReplaceFiles(ctx context.Context, name, server, dir string, files map[string][]byte) error
}

// Removal says what to remove of a cluster. Data goes only when it is named.
type Removal struct {
	Servers []string // none: all
	Data    bool     // what the servers keep, too
	// Made says that of this only what was made for the servers goes: not what somebody
	// else has left where they would have it, as Docker Compose does.
	Made bool
}

// LogOptions choose lines.
type LogOptions struct {
	Servers []string  // none: all
	Since   time.Time // zero: from the beginning
	Tail    int       // the last lines of each server; negative: all
	Follow  bool      // go on with what comes
	// ThisStart leaves out what a server said before it was started last.
	ThisStart bool
}

// Line is what a server said.
type Line struct {
	Server string
	Time   time.Time // zero when it is not known
	Text   string    // without the line's end
}

// Way leads to the members, from where this program runs.
type Way struct {
	// Dial connects to a host and port as they stand in the members' advertised
	// URLs.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Direct tells that no other program relays what is said.
	Direct bool
	// Open tells that no way is needed: anybody on this machine reaches the
	// members at Server.Published.
	Open bool
	// Done is closed when the way breaks by itself; nil if it does not.
	Done <-chan struct{}
	// Close ends the way. It leaves nothing behind.
	Close func() error
}

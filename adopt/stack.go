package adopt

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/lint"
	"github.com/etcdctr/etcdctr/runtime"
)

// Stack is what is known of members that something else has started, and of those
// that were adopted and are still there.
type Stack struct {
	// Name is how it was asked for.
	Name string
	// Runtime is what the members would be on if they were ours.
	Runtime cluster.Runtime
	Members []Member
	// Described are the descriptions of the members, as lint reads them.
	Described []*lint.Stack
	// Projects are those of Docker Compose that members are of.
	Projects []Project
	// Neighbors are the containers that find members on a network that they share.
	Neighbors []Neighbor
}

// Member is one that something else has started. The name of its server is what
// it calls itself, and the client URL in its settings one that Foreign.Dial
// understands.
type Member struct {
	runtime.Server
	// Clients is where it says that clients reach it.
	Clients string
	// Hosts are the names under which it is reached, by others or by itself.
	Hosts []string
	// Apart is why members of ours could not be reached by it, or not reach it;
	// empty if they can.
	Apart string
	// ClientPort is the port of the machine that its client port is published on;
	// empty for none.
	ClientPort string
	// DataDir is its data directory, as it sees it, and LogDir that of its write-ahead
	// log, if it is another one.
	DataDir, LogDir string
	// Retired tells that it was adopted: it is stopped, and does not start anew.
	Retired bool
	// Wakes tells that what runs it starts it again with the machine, whoever has stopped it.
	Wakes bool

	id       string  // of its container or process
	hasty    bool    // nobody has said how long it may take to end: it would be 10 s on Docker, none on Podman
	vanishes bool    // with what it holds, as soon as it stops
	answers  bool    // its Release is what it says itself
	given    []given // what else its container has
	inUse    bool    // where its data was, its successor goes on
	user     string  // that its container runs as, where that is not root by default
}

// Member gives the one of that name.
func (s *Stack) Member(name string) (Member, bool) {
	if s != nil {
		for _, m := range s.Members {
			if m.Name == name {
				return m, true
			}
		}
	}
	return Member{}, false
}

// Retired tells that all members were adopted.
func (s *Stack) Retired() bool {
	for _, m := range s.Members {
		if !m.Retired {
			return false
		}
	}
	return true
}

// Runs tells whether any member runs.
func (s *Stack) Runs() bool {
	for _, m := range s.Members {
		if m.Runs() {
			return true
		}
	}
	return false
}

// empty tells that there is neither a member that runs nor data.
func (s *Stack) empty() bool {
	for _, m := range s.Members {
		if m.Runs() || m.Data != runtime.None {
			return false
		}
	}
	return true
}

// ErrNothing is the error of looking for members where there are none.
var ErrNothing = errors.New("there is no member of etcd")

// Foreign is where members are that something else has started.
type Foreign interface {
	// Look tells what there is; ErrNothing if there is nothing.
	Look(ctx context.Context) (*Stack, error)
	// Dial connects to the client or the peer port of a member that runs, one of the
	// URLs in its settings.
	Dial(ctx context.Context, m Member, url string) (net.Conn, error)
	// Meet lets members that run and those of a cluster of ours reach each other,
	// whose runtime has prepared for the first of them.
	Meet(ctx context.Context, cluster string, members []Member) error
	// Bring lets neighbors reach the members of that cluster, too.
	Bring(ctx context.Context, cluster string, neighbors []Neighbor) error
	// Part undoes what Meet and Bring did, of all of them.
	Part(ctx context.Context, cluster string) error
	Start(ctx context.Context, m Member) error
	// Stop asks a member to end, and kills it after grace; with 0 it has its own.
	Stop(ctx context.Context, m Member, grace time.Duration) error
	// Retire keeps a member that was adopted from ever starting by itself, as far as whatever
	// runs it can be told, and notes that of it.
	Retire(ctx context.Context, cluster string, m Member) error
	// Data gives what is in the data directory of a member that does not run, as
	// a tar archive, with the log in it wherever that is.
	Data(ctx context.Context, m Member) (io.ReadCloser, error)
	// Program gives the etcd that the member runs, as a file in dir or elsewhere on
	// this machine; empty if it can't be had.
	Program(ctx context.Context, m Member, dir string) (string, error)
	// Logs gives the lines of members.
	Logs(ctx context.Context, members []Member, o runtime.LogOptions, line func(runtime.Line)) error
	// Forget removes members that were adopted, and tells what is left of them.
	Forget(ctx context.Context, members []Member) (left []string, err error)
}

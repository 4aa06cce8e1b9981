package runtime

import (
	"os"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
)

// State is what a runtime has of one cluster at a moment. It is a value: who
// has one may keep it, and nobody edits it.
type State struct {
	Name    string
	Runtime string
	Servers []Server // members and services, by name, each of which stands there once
	// Folder is where the cluster was started, empty when it is not known.
	Folder string
	// CertsDir is the folder of the certificates that the members were given,
	// on this machine; empty when they have none or it is not known.
	CertsDir string
	// Wish is what the cluster was started with: the text of a cluster.Spec,
	// empty when whoever started it has not noted it.
	Wish string
	// Others are things of this name that are not of the cluster: what kind and
	// name, in words. They are left alone.
	Others []string
	// Leftovers are what a change that was interrupted has made beside the servers, and
	// that nothing uses: see Tidier.
	Leftovers []string
	// Begun tells that none of the servers is the cluster's, and that something of it is
	// there all the same: it was to take over, and has not got to where it does.
	Begun bool
	// Aside is what was set aside of servers, server by server and the newest first of each,
	// as far as it is known without a look into volumes; Bytes may be 0, as they need one.
	Aside []Aside
	// Seen is what the runtime that observed this keeps of it for what it is asked next:
	// nobody else reads it. nil: it looks again.
	Seen any
}

// Server is one server, running or not. One that has nothing but its data is
// Absent.
type Server struct {
	Name string
	Role Role
	// Late says that it waits for all members to serve, and can't come before them.
	Late   bool
	Status Status
	// Detail is the runtime's own word for the status, for people.
	Detail string
	// Since is when it took this status; zero when it is not known.
	Since time.Time
	// Restarts counts how often it was started again after it ended by itself.
	Restarts int
	// ExitCode is that of a server that has ended, OutOfMemory says that the
	// kernel ended it for its memory, and Error why it could not be started, in
	// the runtime's words. Zero values: it is not so, or not known.
	ExitCode    int
	OutOfMemory bool
	Error       string
	// Emptied says that it has ended, and that data which it had when it was started is
	// gone; false: not so, or not known.
	Emptied bool
	// Unlinked says that it runs, and that the data which it goes on with is no longer where
	// it was: it is gone when the server stops. false: not so, or not known.
	Unlinked bool
	// Off is the network that it belongs on and is not, so that nobody reaches it there;
	// empty where it is, and where nobody knows.
	Off string
	// Settings are those of etcd that it was started with. They say how it was
	// founded, too: see cluster.Cluster.AsStarted.
	Settings cluster.Settings
	// Release is the etcd that it is said to be (by an image's tag or label, or
	// by the program), as "v3.7.3"; empty when nothing says so.
	Release string
	// Program is what it runs: an image reference or a path.
	Program string
	Data    Data
	// Blank says that nothing is in its data, as no cluster has ever come of it; false: not
	// so, or nobody has looked.
	Blank bool
	// DataAt is what its data is kept in, a volume or a folder; empty when it
	// keeps none.
	DataAt string
	// Foreign tells that something else has started it: see package adopt.
	Foreign bool
	// HoldsV2 tells that its data has what the API v2 of etcd 3.5 has written, as far as
	// that could be looked at, whether or not it serves that API.
	HoldsV2 bool
	// Lent tells that DataAt is somebody else's: it is not deleted with the cluster.
	Lent bool
	// Protected tells that DataAt is kept from what takes away all else of its project, as
	// `docker compose down --volumes` does.
	Protected bool
	// Held is why nobody starts it though it is to run, such as that its node of a
	// swarm takes no tasks; empty where nothing is in the way.
	Held string
	// Host is the machine that it is on; empty when that is this one.
	Host string
	// Former tells that it is where a member was before it went to another machine, from which
	// nothing is to be started again.
	Former bool
	// Restoring is what has made data for it that has not taken its place: nobody has
	// finished that. nil where nobody has looked, or there is none.
	Restoring *Restoration
	// Published are its client addresses on the host, such as 127.0.0.1:2379.
	Published []string
}

// Role is what a server is for.
type Role string

// The roles.
const (
	Member  Role = "member"  // has a part in the quorum
	Service Role = "service" // members need it for finding each other, or it looks at them
)

// Status is what a server is doing.
type Status string

// What a server can be doing.
const (
	Absent     Status = "absent"     // nothing but its data is there
	Created    Status = "created"    // was never started
	Running    Status = "running"    // its process lives
	Paused     Status = "paused"     // its process is frozen
	Restarting Status = "restarting" // ended, and will be started again
	Stopped    Status = "stopped"    // was asked to
	Ended      Status = "ended"      // ended by itself, in order: what etcd does once it is removed from its cluster
	Failed     Status = "failed"     // ended by itself or was killed, and is not started again
	// Away: its machine does not answer, so that nobody knows what it does there.
	// Whatever it had, it is taken to have still.
	Away Status = "away"
)

// Data is what is known of what a server keeps.
type Data string

// The kinds of data.
const (
	Unknown  Data = ""         // nobody has looked
	None     Data = "none"     // etcd would start empty
	Kept     Data = "kept"     // etcd would go on from it
	Volatile Data = "volatile" // gone when the server stops
)

// Server gives the one of that name, and false when there is none.
func (s *State) Server(name string) (Server, bool) {
	if s == nil {
		return Server{}, false
	}
	i := slices.IndexFunc(s.Servers, func(x Server) bool { return x.Name == name })
	if i < 0 {
		return Server{}, false
	}
	return s.Servers[i], true
}

// Members are the servers with a part in the quorum.
func (s *State) Members() []Server {
	if s == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.Servers), func(x Server) bool { return x.Role != Member })
}

// Electorate are the members by what these were told when they were started, whether
// anything is left of them or not, and those that are there where they were told nothing.
func (s *State) Electorate() []string {
	var told []string
	for _, m := range s.Members() {
		if list := m.Told(); len(list) > len(told) {
			told = list
		}
	}
	if len(told) > 0 {
		return told
	}
	for _, m := range s.Members() {
		told = append(told, m.Name)
	}
	return told
}

// StartedIn reports whether it is known that the cluster was started in this
// folder, whatever path leads there.
func (s *State) StartedIn(folder string) bool {
	if s == nil || s.Folder == "" {
		return false
	}
	there, errThere := os.Stat(s.Folder)
	here, errHere := os.Stat(folder)
	return errThere == nil && errHere == nil && os.SameFile(there, here)
}

// StartedElsewhere reports whether it is known that the cluster was started in another
// folder than those, and on this machine: one that was moved is not there any more, and of
// one of another machine nothing is known here.
func (s *State) StartedElsewhere(folders ...string) bool {
	if s == nil || s.Folder == "" || slices.ContainsFunc(folders, s.StartedIn) {
		return false
	}
	info, err := os.Stat(s.Folder)
	return err == nil && info.IsDir()
}

// Losses are LossesOf all servers.
func (s *State) Losses() []string { return s.LossesOf(func(Server) bool { return true }) }

// Loss is where the data is that goes when the server's is deleted; none where it has
// none, or has it in what somebody else has made.
func (s Server) Loss() []string {
	if s.DataAt == "" || s.Data == None || s.Lent {
		return nil
	}
	return []string{s.DataAt}
}

// Lent are the places of the data that servers have in what somebody else has made, and of
// what was set aside there.
func (s *State) Lent() []string {
	var places []string
	for _, x := range s.Servers {
		if x.Lent && x.Data != None {
			places = append(places, x.DataAt)
		}
	}
	for _, a := range s.Aside {
		if a.Lent && !a.Beside {
			places = append(places, a.Where)
		}
	}
	return places
}

// Present are the members that are there, and not only their data.
func (s *State) Present() []Server {
	return slices.DeleteFunc(s.Members(), func(m Server) bool { return m.Status == Absent })
}

// Rests reports whether nothing of the members is there but data, from which they would
// go on.
func (s *State) Rests() bool {
	return len(s.Present()) == 0 && slices.ContainsFunc(s.Members(), Server.KeepsData)
}

// KeepsData reports whether the server has data, or a place for it into which nobody has
// looked.
func (s Server) KeepsData() bool { return s.Data == Kept || s.Data == Unknown && s.DataAt != "" }

// Runs reports whether any server runs.
func (s *State) Runs() bool {
	return s != nil && slices.ContainsFunc(s.Servers, func(x Server) bool { return x.Runs() })
}

// Runs reports whether the server's process lives, frozen or not.
func (s Server) Runs() bool { return s.Status == Running || s.Status == Paused }

// Active reports whether the server runs, or is started again by whoever looks after it:
// nothing of it can be touched before it is stopped.
func (s Server) Active() bool { return s.Runs() || s.Status == Restarting }

// Active reports whether any server is.
func (s *State) Active() bool {
	return s != nil && slices.ContainsFunc(s.Servers, Server.Active)
}

// MayAnswer reports whether it makes sense to ask the server itself: one that runs,
// or one of whose machine nothing is known.
func (s Server) MayAnswer() bool { return s.Runs() || s.Status == Away }

// Bridges reports whether the server answers clients with and without TLS.
func (s Server) Bridges() bool {
	urls := s.Settings.Get("listen-client-urls")
	return strings.Contains(urls, "http://") && strings.Contains(urls, "https://")
}

// ClientURL is where clients reach the server, as it tells them itself.
func (s Server) ClientURL() string {
	first, _, _ := strings.Cut(s.Settings.Get("advertise-client-urls"), ",")
	return first
}

// PeerURL is where the server was told that other members reach it. What etcd
// goes by may have been changed since: see member.View.
func (s Server) PeerURL() string { return s.Settings.Get("initial-advertise-peer-urls") }

// Told are the members that the server was told of when it was started; nil where it
// finds them otherwise.
func (s Server) Told() []string {
	var names []string
	for _, entry := range strings.Split(s.Settings.Get("initial-cluster"), ",") {
		if name, _, ok := strings.Cut(entry, "="); ok {
			names = append(names, name)
		}
	}
	return names
}

// TLS is how a server's client port is secured.
func (s Server) TLS() cluster.TLSMode {
	switch {
	case s.Settings.Get("trusted-ca-file") != "":
		return cluster.Mutual
	case s.Settings.Get("auto-tls") == "true":
		return cluster.AutoTLS
	}
	return cluster.NoTLS
}

// Started gives, by member, the settings that each was started with.
func (s *State) Started() map[string]cluster.Settings {
	started := map[string]cluster.Settings{}
	for _, m := range s.Members() {
		if len(m.Settings) > 0 {
			started[m.Name] = m.Settings
		}
	}
	return started
}

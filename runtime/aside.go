package runtime

import (
	"context"
	"time"
)

// Discarder is a Runtime that tells of all data that it has set aside, and deletes it.
type Discarder interface {
	// AllAside is what was set aside of the servers of a cluster, of those too that are
	// there no more: server by server, the newest first. What a Discard that was ended in
	// the middle has left is among it, and comes last of its server: nothing brings that
	// back.
	AllAside(ctx context.Context, name string) ([]Aside, error)
	// Discard deletes what was set aside of a server, running or not, by the Server and the
	// Where of an Aside. From its first moment on nothing brings it back, whole or in part.
	Discard(ctx context.Context, name string, a Aside) error
}

// Aside is data that was set aside of a server.
type Aside struct {
	Server string `json:"server"`
	// Where it is, as SetAside, Fill and Exchange have told it.
	Where string `json:"where"`
	// Time is when it was set aside; zero where nobody knows.
	Time time.Time `json:"time,omitzero"`
	// Bytes is how much room it takes; 0 where that can't be told cheaply.
	Bytes int64 `json:"bytes,omitempty"`
	// Lent tells that it is where somebody else has made room for it: it does not go with
	// the cluster.
	Lent bool `json:"lent,omitempty"`
	// Restored tells that a restoration, or its reverse, has made what took its place, and
	// that nothing has since: the reverse brings it back, once more.
	Restored bool `json:"restored,omitempty"`
	// Beside tells that it is in the DataAt of its server, and goes with that.
	Beside bool `json:"-"`
}

// LossesOf are the volumes and folders whose data is gone when that of some of the servers
// is deleted, and what was set aside of these.
func (s *State) LossesOf(some func(Server) bool) []string {
	var places []string
	for _, x := range s.Servers {
		if some(x) {
			places = append(places, x.Loss()...)
		}
	}
	for _, a := range s.Aside {
		if x, there := s.Server(a.Server); !a.Lent && !a.Beside && (there && some(x) || !there && some(Server{Name: a.Server})) {
			places = append(places, a.Where)
		}
	}
	return places
}

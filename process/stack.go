package process

import (
	"slices"
	"time"
)

// Stack is a set of members to run.
type Stack struct {
	Name    string   `json:"name"`
	Members []Member `json:"members"`
	// Services are what the members need: they start before all members and
	// stop after them. They are described as members are.
	Services []Member `json:"services,omitempty"`
	// StopGrace is how long a member may take from being asked to stop to
	// being killed.
	StopGrace time.Duration `json:"stopGrace"`
	// InTurn has each member start as soon as the one before it answers for its
	// metrics, instead of all at once. An etcd that starts for the first time
	// asks its peers for the members, up to a second each, and a peer whose port
	// is open while it asks in its turn lets it wait for that second.
	InTurn bool `json:"inTurn,omitempty"`
	// Ephemeral data is deleted when the stack stops.
	Ephemeral bool `json:"ephemeral,omitempty"`
}

// Member is one process to run.
type Member struct {
	Name string   `json:"name"`
	Path string   `json:"path"` // of the program
	Args []string `json:"args"` // the first is the name that the program is called by
	Env  []string `json:"env"`  // the whole environment, NAME=value
	// DataDir is what the member keeps. The folder above it is its working
	// directory, and made if it is not there.
	DataDir string `json:"dataDir"`
	// Addresses are what it listens on, such as 127.0.0.1:2379, with what
	// each is for: "client port".
	Addresses map[string]string `json:"addresses"`
	// MetricsURL answers with the member's metrics, without a certificate;
	// may be empty.
	MetricsURL string `json:"metricsUrl,omitempty"`
}

// find gives one of the members or services, and false if there is none of that
// name.
func (s Stack) find(name string) (Member, bool) { return Find(s.all(), name) }

// Find gives the one of that name, and false if there is none.
func Find(members []Member, name string) (Member, bool) {
	i := slices.IndexFunc(members, func(m Member) bool { return m.Name == name })
	if i < 0 {
		return Member{}, false
	}
	return members[i], true
}

// with gives the stack with another description of one of its members or
// services.
func (s Stack) with(changed Member) Stack {
	replace := func(list []Member) []Member {
		list = slices.Clone(list)
		for i := range list {
			if list[i].Name == changed.Name {
				list[i] = changed
			}
		}
		return list
	}
	s.Members, s.Services = replace(s.Members), replace(s.Services)
	return s
}

// all gives the members and the services.
func (s Stack) all() []Member { return slices.Concat(s.Members, s.Services) }

// names gives the names of all of them in their order.
func (s Stack) names() []string {
	var names []string
	for _, m := range s.all() {
		names = append(names, m.Name)
	}
	return names
}

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
	// Ephemeral data of a member is deleted when that is stopped, as memory would be.
	Ephemeral bool `json:"ephemeral,omitempty"`
	// Resting are the members and services that stay stopped until they are
	// started by name, by whatever supervisor.
	Resting []string `json:"resting,omitempty"`
	// Notes are kept for whoever runs the stack.
	Notes map[string]string `json:"notes,omitempty"`
	// Home is the path of the stack's home that the paths in it go by; empty in a stack
	// that was written down before that was noted.
	Home string `json:"home,omitempty"`
	// Base is a folder that the home is in and is moved with; empty for none. What is below
	// it is looked for there after that.
	Base string `json:"base,omitempty"`
}

// Member is one process to run.
type Member struct {
	Name string   `json:"name"`
	Path string   `json:"path"` // of the program
	Args []string `json:"args"` // the first is the name that the program is called by
	Env  []string `json:"env"`  // the environment, NAME=value
	// Inherited is what the environment has besides: taken over from whoever
	// started the member, and no part of what it is.
	Inherited []string `json:"inherited,omitempty"`
	// Trusts identifies the authorities that its peers have to be of; empty
	// without certificates.
	Trusts []string `json:"trusts,omitempty"`
	// Version of the program, as it told; may be empty.
	Version string `json:"version,omitempty"`
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

// environment is all that the member's process finds in its environment.
func (m Member) environment() []string { return slices.Concat(m.Inherited, m.Env) }

// with gives the stack with one of the members or services of another, in the
// place of that of its name.
func (s Stack) with(name string, other Stack) Stack {
	s.Members = put(s.Members, other.Members, name)
	s.Services = put(s.Services, other.Services, name)
	return s
}

func put(list, other []Member, name string) []Member {
	m, ok := Find(other, name)
	if !ok {
		return list
	}
	list = slices.Clone(list)
	if i := slices.IndexFunc(list, func(m Member) bool { return m.Name == name }); i >= 0 {
		list[i] = m
		return list
	}
	return append(list, m)
}

// without gives the stack without some of its members and services.
func (s Stack) without(names []string) Stack {
	named := func(m Member) bool { return slices.Contains(names, m.Name) }
	s.Members = slices.DeleteFunc(slices.Clone(s.Members), named)
	s.Services = slices.DeleteFunc(slices.Clone(s.Services), named)
	return s.awake(names)
}

// awake gives the stack without some of those that rest, resting with more of
// them.
func (s Stack) awake(names []string) Stack {
	s.Resting = slices.DeleteFunc(slices.Clone(s.Resting), func(n string) bool { return slices.Contains(names, n) })
	return s
}

func (s Stack) resting(names []string) Stack {
	s = s.awake(names)
	s.Resting = append(s.Resting, names...)
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

package process

import "time"

// Stack is a set of members to run.
type Stack struct {
	Name    string   `json:"name"`
	Members []Member `json:"members"`
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

// names gives the members' names in their order.
func (s Stack) names() []string {
	names := make([]string, len(s.Members))
	for i, m := range s.Members {
		names[i] = m.Name
	}
	return names
}

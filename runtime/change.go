package runtime

import (
	"fmt"
	"strings"
)

// Change is how a server that is there differs from what is wanted of it.
type Change struct {
	Server string
	Kind   ChangeKind
	// Differences are the settings and other properties that differ, by name.
	Differences []Difference
	// Anew says that what the server keeps stays behind, as on the machine that it
	// leaves: it would come back empty.
	Anew bool
	// Whole says that the change can only be made while no server runs, such as
	// that of a network which all are on.
	Whole bool
	// Late says what it does of a Server.
	Late bool
}

// ChangeKind is what it takes to bring a change about.
type ChangeKind string

// The kinds of change.
const (
	Missing ChangeKind = "missing" // nothing but perhaps its data is there: it has to be made
	Replace ChangeKind = "replace" // it runs as something else: it has to stop and start anew
	Leave   ChangeKind = "leave"   // it is there and not wanted
	// Foreign servers are of another cluster of the same name: they run with
	// certificates that those of this one are not trusted by. A server that does
	// not see its certificates any more is none: it differs in them, and is to
	// be replaced.
	Foreign ChangeKind = "foreign"
)

// Difference is one property that differs. Values that may be secret are empty.
type Difference struct {
	Name    string // a setting of etcd, or one of the names below
	Was, Is string
}

// Names of differences that are no settings of etcd.
const (
	Image         = "image"
	Program       = "program"
	Network       = "network"
	Volume        = "volume"       // what keeps the data
	Certificates  = "certificates" // those that it sees
	Published     = "published"    // its ports on the host
	Hosts         = "hosts"        // those that it knows without looking them up
	Configuration = "configuration"
)

// String tells the difference as old → new.
func (d Difference) String() string {
	switch {
	case d.Was == "" && d.Is == "":
		return d.Name + " changed"
	case d.Was == "":
		return fmt.Sprintf("%s: %s", d.Name, d.Is)
	case d.Is == "":
		return fmt.Sprintf("%s: no longer %s", d.Name, d.Was)
	}
	return fmt.Sprintf("%s: %s → %s", d.Name, d.Was, d.Is)
}

// String tells why the server has to change.
func (c Change) String() string {
	if len(c.Differences) == 0 {
		return string(c.Kind)
	}
	texts := make([]string, len(c.Differences))
	for i, d := range c.Differences {
		texts[i] = d.String()
	}
	return strings.Join(texts, ", ")
}

// Event is something that a runtime does. Runtimes tell them through what they
// were made with; they never print.
type Event struct {
	Server string // or the network, volume or image that it is about
	Action string // in the infinitive: "create container", "pull"
	Detail string // why, or how far
	Done   bool
	Err    error // why it failed
	// Operation says that it is one of the many that a step of a change comes down to on
	// this runtime, and says nothing of itself that a person has to know.
	Operation bool
}

// Caveat is the action of an event that tells what will not be as described, or as
// on another engine, before anything is made.
const Caveat = "caveat"

package stack

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// Plan is what to do to an engine: operations, each with its cause and with
// those that come before it.
type Plan struct {
	Project string
	Ops     []*Op // in an order in which they could be done one by one
	// Left are networks that were to be removed and that something else is on.
	Left []Left
}

// Left is a network that stays.
type Left struct {
	Network string
	Users   []string // the containers on it that are not the stack's
}

// Op is one operation of a plan.
type Op struct {
	Verb  Verb
	Name  string // of the network, the volume or the container
	Cause string // why; empty when it only serves the others
	After []*Op

	object  string // the ID or name by which the engine knows what it is done to
	network *networkCreation
	volume  *volumeCreation
	create  *creation
	files   *transfer
	newName string
	fresh   bool // a container gets its name that takes the place of one that was never started

	pause time.Duration // after those that come before it
	grace time.Duration // until it is killed; 0: its own
}

type networkCreation struct {
	config types.NetworkConfig
	labels map[string]string
}

type volumeCreation struct {
	config types.VolumeConfig
	labels map[string]string
}

// Verb is a kind of operation.
type Verb string

// The operations.
const (
	CreateNetwork   Verb = "create network"
	RemoveNetwork   Verb = "remove network"
	CreateVolume    Verb = "create volume"
	RemoveVolume    Verb = "remove volume"
	CopyFiles       Verb = "copy files to volume"
	CreateContainer Verb = "create container"
	RenameContainer Verb = "rename container"
	RemoveContainer Verb = "remove container"
	Start           Verb = "start"
	Resume          Verb = "resume"
	Stop            Verb = "stop"
	AwaitHealth     Verb = "wait for the health check of"
	AwaitExit       Verb = "wait for the end of"
)

// waits reports whether the operation changes nothing.
func (v Verb) waits() bool { return v == AwaitHealth || v == AwaitExit }

// Empty reports whether the plan changes nothing.
func (p *Plan) Empty() bool {
	return !slices.ContainsFunc(p.Ops, func(o *Op) bool { return !o.Verb.waits() })
}

// add puts an operation at the end of the plan.
func (p *Plan) add(o *Op, after ...*Op) *Op {
	for _, a := range after {
		if a != nil && !slices.Contains(o.After, a) {
			o.After = append(o.After, a)
		}
	}
	p.Ops = append(p.Ops, o)
	return o
}

// StartNothing leaves what is made as it is made.
func (p *Plan) StartNothing() {
	p.Ops = slices.DeleteFunc(p.Ops, func(o *Op) bool { return o.Verb == Start || o.Verb.waits() })
}

// String gives the operations one a line, numbered, each with the numbers of
// those that it waits for and with its cause. A plan that changes nothing is
// empty.
func (p *Plan) String() string {
	if p.Empty() {
		return ""
	}
	numbers := make(map[*Op]int, len(p.Ops))
	var b strings.Builder
	for i, o := range p.Ops {
		numbers[o] = i + 1
		fmt.Fprintf(&b, "%2d  %s", i+1, o)
		if len(o.After) > 0 {
			fmt.Fprintf(&b, ", after %s", list(o.After, numbers))
		}
		if o.Cause != "" {
			fmt.Fprintf(&b, ": %s", o.Cause)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// String gives what is done to what.
func (o *Op) String() string {
	s := string(o.Verb) + " " + o.Name
	if o.newName != "" {
		s += " to " + o.newName
	}
	return s
}

func list(ops []*Op, numbers map[*Op]int) string {
	var ns []int
	for _, o := range ops {
		ns = append(ns, numbers[o])
	}
	slices.Sort(ns)
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(ns), "[]"), " ", ", ")
}

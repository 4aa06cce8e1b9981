package runtime

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// ErrElsewhere is the error of what a Runtime has no part in: only somebody at the
// servers' machines can look at it.
var ErrElsewhere = errors.New("only their machines have that")

// UnknownError is about servers that a cluster does not have.
type UnknownError struct {
	Name    string   // of the cluster
	Servers []string // that were asked for
	Has     []string // that there are
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("%s has no server %s: it has %s", e.Name, strings.Join(e.Servers, ", "), strings.Join(e.Has, ", "))
}

// NotRunningError is about a server that would have to run.
type NotRunningError struct {
	Server string
	Detail string // the runtime's own word for what it does instead
}

func (e *NotRunningError) Error() string {
	return fmt.Sprintf("%s does not run: %s", e.Server, e.Detail)
}

// NotFoundError is the ErrNotFound of a cluster.
type NotFoundError struct{ Name string }

func (e *NotFoundError) Error() string { return "there is no cluster " + e.Name }

// Is makes it ErrNotFound.
func (e *NotFoundError) Is(target error) bool { return target == ErrNotFound }

// AwayError is about a server whose machine does not answer.
type AwayError struct {
	Server, Machine string
	Err             error // why
}

func (e *AwayError) Error() string {
	return fmt.Sprintf("the machine of %s, %s, does not answer: %v", e.Server, e.Machine, e.Err)
}

func (e *AwayError) Unwrap() error { return e.Err }

// PortError is the error of an address that a server is to get and somebody else has: found
// before anything is stopped for it.
type PortError struct {
	Server, Address string
	Key             string // of the cluster file, that gives it; empty: the client-port of a member
	Holder          string // who has it, in words; empty where nobody knows
	Err             error  // of the system; nil where the Holder is known by what else there is
}

func (e *PortError) Error() string {
	why := "somebody else listens there"
	if e.Holder != "" {
		why = e.Holder + " has it"
	}
	if e.Err != nil {
		why = e.Err.Error()
	}
	_, port, _ := net.SplitHostPort(e.Address) // without a port there is nothing to ask for
	key, last := e.Key, e.Key
	if key == "" {
		key, last = "members."+e.Server+".client-port", "client-port"
	}
	return fmt.Sprintf("%s: %s is taken (%s): give %s another %s, or end what has it (`ss -ltnp sport = :%s` names it); nothing was stopped for it",
		key, e.Address, why, e.Server, last, port)
}

func (e *PortError) Unwrap() error { return e.Err }

// StartError is the error of a server that was made and did not come up.
type StartError struct {
	Server string
	Reason string   // in the words of what was to start it
	Log    []string // its last lines, if it ran
	Err    error
}

func (e *StartError) Error() string { return e.Err.Error() }

func (e *StartError) Unwrap() error { return e.Err }

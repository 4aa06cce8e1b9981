package swarm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/swarm"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// membership is the engine's own in its swarm.
type membership struct {
	node    string // its ID
	cluster string // the swarm's
	remaps  bool   // it maps users
}

// Standing is what an engine is to a swarm that its services can't be managed by.
type Standing string

// The standings.
const (
	Outside Standing = "it is in no swarm"
	Locked  Standing = "its swarm is locked"
	Worker  Standing = "it is a worker of its swarm"
	Lonely  Standing = "its swarm has no majority of its managers"
)

// StandingError is about an engine that can't manage services. It is
// runtime.ErrUnavailable.
type StandingError struct {
	Engine   string // where it is; may be empty
	Standing Standing
	Err      error // what the engine has said; may be nil
}

func (e *StandingError) Error() string {
	is := "the Docker Engine can't manage services: "
	if e.Engine != "" {
		is = fmt.Sprintf("the Docker Engine at %s can't manage services: ", e.Engine)
	}
	switch e.Standing {
	case Worker:
		return is + string(e.Standing) + ": ask the engine of a manager"
	case Lonely:
		return is + string(e.Standing) + ", and until more of them are back nothing of it can be seen or changed: " +
			"`docker exec` on a member's own node is left"
	case Locked:
		return is + string(e.Standing) + ": `docker swarm unlock` opens it"
	}
	return is + string(e.Standing) + ": `docker swarm init` makes one"
}

func (e *StandingError) Unwrap() error { return e.Err }

// Is makes it runtime.ErrUnavailable.
func (e *StandingError) Is(target error) bool { return target == runtime.ErrUnavailable }

// manages makes sure once that the engine is a manager of a swarm.
func (r *Runtime) manages(ctx context.Context) (membership, error) {
	r.mu.Lock()
	known := r.joined
	r.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	if r.o.Answers != nil {
		if err := r.o.Answers(ctx); err != nil {
			return membership{}, err
		}
	}
	if r.isOutside(ctx) {
		return membership{}, &StandingError{Engine: r.o.At, Standing: Outside}
	}
	answer, err := r.engine.Info(ctx, client.InfoOptions{})
	if err != nil {
		return membership{}, unavailable(err)
	}
	in := answer.Info.Swarm
	switch {
	case in.LocalNodeState == swarm.LocalNodeStateLocked:
		return membership{}, &StandingError{Engine: r.o.At, Standing: Locked}
	case in.LocalNodeState != swarm.LocalNodeStateActive && in.LocalNodeState != swarm.LocalNodeStatePending:
		return membership{}, &StandingError{Engine: r.o.At, Standing: Outside}
	case in.Error != "": // a manager that is left alone still says that it is one
		return membership{}, &StandingError{Engine: r.o.At, Standing: Lonely, Err: errors.New(in.Error)}
	case !in.ControlAvailable:
		return membership{}, &StandingError{Engine: r.o.At, Standing: Worker}
	}
	m := membership{node: in.NodeID, remaps: slices.ContainsFunc(answer.Info.SecurityOptions, func(o string) bool { return strings.Contains(o, "name=userns") })}
	if in.Cluster != nil {
		m.cluster = in.Cluster.ID
	}
	r.mu.Lock()
	r.joined = &m
	r.mu.Unlock()
	return m, nil
}

// Identity is that of the swarm: another one knows nothing of what this one has, also where
// it is of the same engines.
func (r *Runtime) Identity(ctx context.Context) (string, error) {
	in, err := r.manages(ctx)
	return in.cluster, err
}

// isOutside tells of most engines that they are of no swarm, without asking for more,
// which would take them longer. Podman knows of none. Docker Engine 20.10 does not say
// it at a ping: it is asked for all of itself, as its error of what only a manager answers
// has the same code for an engine of no swarm, a worker and a locked manager.
func (r *Runtime) isOutside(ctx context.Context) bool {
	ping, err := r.engine.Ping(ctx, client.PingOptions{})
	if err != nil {
		return false
	}
	if s := ping.SwarmStatus; s != nil {
		return s.NodeState == swarm.LocalNodeStateInactive
	}
	return stack.IsPodman(ctx, r.engine)
}

// unavailable marks what tells that the engine, or its swarm, does not answer.
func unavailable(err error) error {
	switch {
	case err == nil:
		return nil
	case client.IsErrConnectionFailed(err):
		return errors.Join(runtime.ErrUnavailable, err)
	case errdefs.IsUnavailable(err):
		return &StandingError{Standing: Lonely, Err: err}
	}
	return err
}

// why gives the reason that the swarm does not answer. One whose majority is lost in
// between answers with an error of no kind, and its engine says why.
func (r *Runtime) why(ctx context.Context, err error) error {
	if marked := unavailable(err); errors.Is(marked, runtime.ErrUnavailable) {
		return marked
	}
	r.mu.Lock()
	r.joined = nil
	r.mu.Unlock()
	if _, standing := r.manages(ctx); standing != nil {
		return standing
	}
	return err
}

// nodes are those of the swarm.
type nodes []swarm.Node

func (r *Runtime) nodes(ctx context.Context) (nodes, error) {
	list, err := r.engine.NodeList(ctx, client.NodeListOptions{})
	if err != nil {
		return nil, fmt.Errorf("ask the swarm for its nodes: %w", unavailable(err))
	}
	return list.Items, nil
}

// byID gives a node; an empty one where there is none.
func (n nodes) byID(id string) swarm.Node {
	i := slices.IndexFunc(n, func(x swarm.Node) bool { return x.ID == id })
	if i < 0 {
		return swarm.Node{}
	}
	return n[i]
}

// hostname is a node's, or its ID where it is unknown. Where several nodes are called so it has
// the ID beside it.
func (n nodes) hostname(id string) string {
	name := n.byID(id).Description.Hostname
	switch {
	case name == "":
		return id
	case len(n.called(name)) > 1:
		return name + " (" + id + ")"
	}
	return name
}

// called are the nodes of a host name.
func (n nodes) called(name string) nodes {
	return slices.DeleteFunc(slices.Clone(n), func(x swarm.Node) bool { return x.Description.Hostname != name })
}

// NodeError is about a node that a description names.
type NodeError struct {
	Node string
	Like []string // IDs of those of that host name, where there are several
	Has  []string // host names of all
	// Told are those of Like as a person tells them apart: with address and state.
	Told []string
}

func (e *NodeError) Error() string {
	if len(e.Like) > 0 {
		told := e.Told
		if len(told) == 0 {
			told = e.Like
		}
		return fmt.Sprintf("%d nodes are called %s: name one by its ID, which is one of %s", len(e.Like), e.Node, strings.Join(told, ", "))
	}
	return fmt.Sprintf("the swarm has no node %s: it has %s", e.Node, strings.Join(e.Has, ", "))
}

// named finds a node by its ID or host name.
func (n nodes) named(name string) (swarm.Node, error) {
	var found []swarm.Node
	e := &NodeError{Node: name}
	for _, x := range n {
		if x.ID == name {
			return x, nil
		}
		if x.Description.Hostname == name {
			found = append(found, x)
			e.Like, e.Told = append(e.Like, x.ID), append(e.Told, fmt.Sprintf("%s (%s, %s)", x.ID, cmp.Or(x.Status.Addr, "of no address"), x.Status.State))
		}
		e.Has = append(e.Has, x.Description.Hostname)
	}
	if len(found) == 1 {
		return found[0], nil
	}
	slices.Sort(e.Has)
	return swarm.Node{}, e
}

// away tells why nothing can be started on a node; empty if it can.
func (n nodes) away(x swarm.Node) string {
	name := n.hostname(x.ID)
	switch {
	case x.ID == "":
		return "its node is no longer in the swarm"
	case x.Status.State != swarm.NodeStateReady && slices.ContainsFunc(n.called(x.Description.Hostname), isReady):
		return fmt.Sprintf("its node %s is %s; one that is called so too is another node, as after a machine has left the swarm and joined again: its ID as the member's node has the member begin there, from the others", name, x.Status.State)
	case x.Status.State != swarm.NodeStateReady:
		return fmt.Sprintf("its node %s is %s", name, x.Status.State)
	case x.Spec.Availability != swarm.NodeAvailabilityActive:
		return fmt.Sprintf("its node %s takes no tasks: its availability is %s", name, x.Spec.Availability)
	}
	return ""
}

func isReady(x swarm.Node) bool { return x.Status.State == swarm.NodeStateReady }

// meant is the node that a description names for a server. Of several of that host name it is
// the one that the server is on already.
func (f *found) meant(server, name string) (swarm.Node, error) {
	n, err := f.nodes.named(name)
	like := (*NodeError)(nil)
	if !errors.As(err, &like) {
		return n, err
	}
	at := ""
	if h, noted := f.note.homes[server]; noted {
		at = h.node
	} else if s, ok := f.service(server); ok {
		at = f.nodeOf(s)
	}
	if slices.Contains(like.Like, at) {
		return f.nodes.byID(at), nil
	}
	return swarm.Node{}, err
}

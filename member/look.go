package member

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/encoding/prototext"
)

// Look asks all members at the same time. That one of them is away, or even all,
// is part of the View: only a context that has ended is an error. It takes as
// long as the slowest answer, at most twice Patience.Question; and writes
// nothing, not even to the log of raft.
func (c *Client) Look(ctx context.Context) (View, error) {
	names := c.names()
	endpoints := make([]Endpoint, len(names))
	members := make([][]Member, len(names))
	each(names, func(i int, name string) { endpoints[i] = c.first(ctx, name) })
	// Everybody's committed index is known by now: see Endpoint.Applied.
	each(names, func(i int, name string) {
		if endpoints[i].Answers() {
			members[i] = c.second(ctx, name, &endpoints[i])
		}
	})
	if err := ctx.Err(); err != nil {
		return View{}, err
	}
	return View{Members: bestKnown(endpoints, members), Endpoints: endpoints}, nil
}

// each calls do for all names at the same time, and waits.
func each(names []string, do func(i int, name string)) {
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { do(i, name) })
	}
	all.Wait()
}

// first finds out whether a member answers, and how far its leader has come.
func (c *Client) first(ctx context.Context, name string) Endpoint {
	ctx, cancel := c.question(ctx)
	defer cancel()
	e := Endpoint{Name: name, URL: c.config.URLs[name]}
	front := c.knock(ctx, e.URL)
	if e.Trouble, e.Details = front.trouble, front.details; e.Trouble != "" {
		return e
	}
	e.ClusterVersion = front.clusterVersion
	c.status(ctx, &e)
	return e
}

// second asks a member for what it knows, for a linearizable read, and again how
// far it has come; the members are those that it knows.
func (c *Client) second(ctx context.Context, name string, e *Endpoint) []Member {
	ctx, cancel := c.question(ctx)
	defer cancel()
	to, err := c.to(name)
	if err != nil {
		e.Trouble, e.Details = Other, err.Error()
		return nil
	}
	// Serializable: the member's own knowledge, even without a quorum. etcd lets
	// no learner tell.
	var members []Member
	if list, err := to.etcd.MemberList(ctx, clientv3.WithSerializable()); err == nil {
		members = membersOf(list.Members)
	}
	switch {
	case e.Learner:
		e.Read, e.ReadDetails = IsLearner, "a learner answers no linearizable read"
	case e.Leader == 0:
		e.Read, e.ReadDetails = NoLeader, "it knows of no leader"
	default:
		c.read(ctx, to, e)
	}
	committed := e.Index
	c.status(ctx, e)
	e.Index = committed
	return members
}

// read reads a key that need not exist.
func (c *Client) read(ctx context.Context, to *connection, e *Endpoint) {
	start := c.config.Now()
	err := linearizable(ctx, to)
	e.Latency = c.config.Now().Sub(start)
	if err != nil {
		e.Read, e.ReadDetails = readTrouble(err), err.Error()
	}
}

// linearizable reads a key that need not exist. To be refused it is an answer
// too: etcd consults the quorum before it looks at who asks.
func linearizable(ctx context.Context, to *connection) error {
	_, err := to.etcd.Get(ctx, "health", clientv3.WithCountOnly())
	if isDenied(err) {
		return nil
	}
	return err
}

// status fills in what a member says of itself.
func (c *Client) status(ctx context.Context, e *Endpoint) {
	to, err := c.to(e.Name)
	if err != nil {
		e.Trouble, e.Details = statusTrouble(err), err.Error()
		return
	}
	s, err := to.maintenance.Status(ctx, to.url)
	if err != nil {
		e.Trouble, e.Details = statusTrouble(err), err.Error()
		return
	}
	if s.Header.GetMemberId() == 0 { // nobody in raft; kine says so
		e.Trouble, e.Details = Other, "what answers there is no member of etcd, and has no ID"
		return
	}
	e.Cluster, e.ID = ID(s.Header.ClusterId), ID(s.Header.MemberId)
	e.Version, e.StorageVersion = s.Version, s.StorageVersion
	e.Leader, e.Learner, e.Term = ID(s.Leader), s.IsLearner, s.RaftTerm
	e.Index, e.Applied, e.Revision = s.RaftIndex, s.RaftAppliedIndex, s.Header.Revision
	e.DBSize, e.DBInUse, e.Quota = s.DbSize, s.DbSizeInUse, s.DbSizeQuota
	e.Alarms, e.Errors = complaints(s.Errors)
	e.DowngradeTarget = ""
	if s.DowngradeInfo.GetEnabled() {
		e.DowngradeTarget = s.DowngradeInfo.TargetVersion
	}
}

// complaints tells alarms from a member's other errors. etcd puts them into the
// status in the text form of protocol buffers (since 3.4, etcdserver/api/v3rpc/
// maintenance.go), and to ask for them would be an entry in raft's log. That
// there is no leader stands in the status as such.
func complaints(texts []string) (alarms []Alarm, others []string) {
	for _, text := range texts {
		var a etcdserverpb.AlarmMember
		switch {
		case prototext.Unmarshal([]byte(text), &a) == nil && a.MemberID != 0:
			alarms = append(alarms, Alarm{ID(a.MemberID), AlarmKind(a.Alarm.String())})
		case text != rpctypes.ErrorDesc(rpctypes.ErrGRPCNoLeader):
			others = append(others, text)
		}
	}
	return alarms, others
}

// bestKnown picks whose members to believe: the leader's, else those of the
// member that knows most.
func bestKnown(endpoints []Endpoint, members [][]Member) []Member {
	best := -1
	for i, e := range endpoints {
		if members[i] != nil && (best < 0 || knowsMore(e, endpoints[best])) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	return members[best]
}

func knowsMore(a, b Endpoint) bool {
	if a.Term != b.Term {
		return a.Term > b.Term
	}
	if leads := a.Leader == a.ID; leads != (b.Leader == b.ID) {
		return leads
	}
	return a.Applied > b.Applied
}

func membersOf(list []*etcdserverpb.Member) []Member {
	members := make([]Member, 0, len(list))
	for _, m := range list {
		members = append(members, Member{ID(m.ID), m.Name, m.PeerURLs, m.ClientURLs, m.IsLearner})
	}
	slices.SortFunc(members, func(a, b Member) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return members
}

// isDenied tells that etcd's users do not permit what was asked.
func isDenied(err error) bool {
	return errors.Is(meaning(err), ErrDenied)
}

package etcdctr

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/health/doctor"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file looks at a cluster that is not well: what its members answer, say and have.

// patient is a cluster that may not be well.
type patient struct {
	*Cluster
	Examination
	want *cluster.Cluster // as described
	have *runtime.State   // nil for nothing
	// readers are the members that read their certificates in the cluster's folder, and have
	// no copies of them.
	readers []string
	// another is that it is not the cluster that has served before; nil if it is.
	another *AnotherError
}

func (p *patient) name() string { return p.spec.ClusterName() }

// ask puts the questions of `health`. Members that can't be reached because
// there is no way to them at all are silent.
func (p *patient) ask(ctx context.Context) (health.Report, error) {
	way, err := p.Connect(ctx)
	if ctx.Err() != nil {
		return health.Report{}, ctx.Err()
	}
	if err != nil {
		return health.Report{Failures: []string{err.Error()}, Warnings: p.judgeRevived(ctx)}, nil
	}
	defer func() { _ = way.Close() }() // nothing depends on it any more
	report := check(ctx, way.Health(p.want))
	judgeServices(way.State, &report)
	report.Warnings = append(report.Warnings, p.judgeRevived(ctx)...)
	if report.Healthy { // else they may be the cause
		report.Warnings = append(report.Warnings, p.judgeFiles(ctx, p.want, p.have)...)
	}
	if report.Serving() > 0 {
		report.Warnings = append(report.Warnings, way.judgeUsers(ctx, p.want)...)
		p.recognize(ctx, way)
	}
	return report, ctx.Err()
}

// check compares the members' data as well where etcd says that it differs: its alarm
// may name a member whose data is right.
func check(ctx context.Context, members health.Cluster) health.Report {
	report := members.Check(ctx)
	if slices.ContainsFunc(report.Members, func(m health.MemberReport) bool { return slices.Contains(m.Alarms, string(member.Corrupt)) }) {
		members.Deep = true
		return members.Check(ctx)
	}
	return report
}

// gather collects the evidence about each member that was described or is
// there.
func (p *patient) gather(ctx context.Context, report health.Report) (doctor.Evidence, error) {
	e := p.evidence()
	e.Described, e.AsDescribed, e.Now = p.described(), p.asDescribed(ctx), p.o.Now()
	if was, noted := p.lastSeen(); noted {
		e.Served = was.Cluster
	}
	filtered := p.filtered(ctx)
	if !report.Healthy {
		p.readers = p.reading(ctx, p.want, p.have)
	}
	for _, name := range p.names(report) {
		m, err := p.inspect(ctx, name)
		if err != nil {
			return e, err
		}
		m.Filtered, m.Looked = filtered, slices.Contains(p.readers, name)
		e.Members = append(e.Members, m)
	}
	return e, nil
}

// filtered are the devices between members that have a firewall there. Where nobody tells
// of one, none is taken for a cause.
func (p *patient) filtered(ctx context.Context) string {
	f, ok := p.runtime.(runtime.Filterer)
	if !ok {
		return ""
	}
	devices, err := f.Filtered(ctx)
	if err != nil {
		return ""
	}
	return devices
}

// place says where a member is to be.
func (p *patient) place(m *doctor.Member) {
	if w, err := p.want.Member(m.Name); err == nil {
		m.PeerURL, m.Engine = w.PeerURL(), w.Engine.At
	}
}

// inspect reads a member's state and the end of its log.
func (p *patient) inspect(ctx context.Context, name string) (doctor.Member, error) {
	m := doctor.Member{Name: name, Status: doctor.Missing}
	p.place(&m)
	s, there := p.have.Server(name)
	if there {
		m.AutoTLS = s.TLS() == cluster.AutoTLS
		m.Status, m.ExitCode, m.Detail, m.OutOfMemory, m.EngineError = statusFor[s.Status], s.ExitCode, s.Detail, s.OutOfMemory, s.Error
		m.Held, m.Emptied, m.Since, m.Off = s.Held, s.Emptied, s.Since, s.Off
	}
	kept, err := p.runtime.Data(ctx, p.name(), name)
	if err != nil {
		return m, err
	}
	m.Data = dataFor(kept, s)
	if !there || s.Status == runtime.Absent {
		return m, nil
	}
	lines, err := p.lastLines(ctx, name)
	m.Log = doctor.CurrentStart(lines, p.fails(s))
	return m, err
}

// lasting is how long a start of etcd has lasted that is no longer one of those that fail.
const lasting = time.Minute

// fails reports whether a server that is started again by what runs it fails again and
// again: how often that was counts the starts of long ago, too.
func (p *patient) fails(s runtime.Server) bool {
	lasts := s.Status == runtime.Running && !s.Since.IsZero() && p.o.Now().Sub(s.Since) > lasting
	return s.Status == runtime.Restarting || s.Restarts > 0 && !lasts
}

// statusFor is what a server is doing, for the doctor.
var statusFor = map[runtime.Status]doctor.Status{
	runtime.Absent: doctor.Missing, runtime.Created: doctor.Created, runtime.Running: doctor.Running,
	runtime.Paused: doctor.Paused, runtime.Restarting: doctor.Restarting, runtime.Stopped: doctor.Exited,
	runtime.Ended: doctor.Exited, runtime.Failed: doctor.Failed, runtime.Away: doctor.Away,
}

// dataFor is what is known of a server's data, for the doctor.
func dataFor(d runtime.Data, s runtime.Server) doctor.Data {
	switch {
	case d == runtime.Kept:
		return doctor.DataKept
	case d == runtime.None, d == runtime.Volatile && !s.Runs():
		return doctor.DataLost
	}
	return doctor.DataUnknown
}

// logTail is how many of a member's lines are read: a failed start of etcd
// takes about thirty.
const logTail = 100

func (p *patient) lastLines(ctx context.Context, name string) ([]string, error) {
	var lines []string
	err := p.runtime.Logs(ctx, p.name(), runtime.LogOptions{Servers: []string{name}, Tail: logTail}, func(l runtime.Line) {
		lines = append(lines, l.Text)
	})
	if away := (*runtime.AwayError)(nil); errors.Is(err, runtime.ErrElsewhere) || errors.As(err, &away) {
		return lines, nil // the cause is told by what members answer, and by who does not
	}
	return lines, err
}

// described reports whether the description says who the members are, as health
// has it too.
func (p *patient) described() bool { return saysMembers(p.want) }

// asDescribed reports whether what is there is as it is wanted, where some of it was stopped:
// nothing else asks for that.
func (p *patient) asDescribed(ctx context.Context) bool {
	if !slices.ContainsFunc(p.have.Members(), func(m runtime.Server) bool { return m.Status == runtime.Stopped }) {
		return false
	}
	changes, err := p.runtime.Changes(ctx, p.want, p.have)
	return err == nil && len(changes) == 0
}

// names are the members that were described; of a stack that nobody has
// described those that are there, and those that etcd knows besides.
func (p *patient) names(report health.Report) []string {
	if !p.described() {
		return membersOf(p.have, report.Membership)
	}
	var names []string
	for _, m := range p.want.Members {
		names = append(names, m.Name)
	}
	return names
}

// membersOf are the members that are there, and those that etcd knows, or that these
// were told of where nobody says what it knows. One that has left only its data, and
// that etcd has forgotten, is none.
func membersOf(have *runtime.State, known []health.KnownMember) []string {
	var names []string
	for _, m := range have.Members() {
		if m.Status != runtime.Absent || len(known) == 0 {
			names = append(names, m.Name)
		}
	}
	var others []string
	for _, m := range known {
		others = append(others, m.Name)
	}
	if len(known) == 0 {
		others = have.Electorate()
	}
	for _, name := range others {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

package etcdctr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file judges a cluster by what its members answer.

// Health is the cluster that ought to answer: the members that are there, and those
// that want names besides, if it says who they are. Timeout, Now and Deep are left
// to be said.
func (c *Connection) Health(want *cluster.Cluster) health.Cluster {
	h := health.Cluster{TLS: c.TLS, Dial: c.Way.Dial}
	for _, m := range c.Reachable() {
		h.Members = append(h.Members, health.Member{
			Name: m.Name, ClientURL: m.ClientURL(), PeerURL: m.PeerURL(), Quota: cluster.Quota(m.Settings.Get("quota-backend-bytes")),
			Bridges: m.Bridges(), Held: m.Held, Idle: idleAs(m), Paused: m.Status == runtime.Paused, Unwanted: saysMembers(want) && !describes(want, m.Name),
		})
	}
	if !saysMembers(want) {
		return h
	}
	for _, m := range want.Members {
		if !slices.ContainsFunc(h.Members, func(x health.Member) bool { return x.Name == m.Name }) {
			h.Members = append(h.Members, health.Member{Name: m.Name, ClientURL: m.ClientURL(), PeerURL: m.PeerURL()})
		}
	}
	return h
}

// viewOf is what a report says of its members, as far as it tells who leads and how far
// they have come: they need not be asked again.
func viewOf(r health.Report) member.View {
	var v member.View
	for _, m := range r.Members {
		if m.Error != "" {
			continue
		}
		e := member.Endpoint{
			Name: m.Name, URL: m.Endpoint, ID: hexadecimal(m.ID), Cluster: hexadecimal(m.ClusterID),
			Version: m.Version, Learner: m.Role == health.Learner,
			Term: m.RaftTerm, Index: m.RaftIndex, Applied: m.RaftAppliedIndex, Revision: m.Revision,
		}
		if m.Role == health.Leader {
			e.Leader = e.ID
		}
		if m.ReadMillis == 0 {
			e.Read = member.Other
		}
		v.Endpoints = append(v.Endpoints, e)
	}
	return v
}

// hexadecimal reads an ID as reports have it, which are etcd's own.
func hexadecimal(id string) member.ID {
	number, _ := strconv.ParseUint(id, 16, 64)
	return member.ID(number)
}

func describes(want *cluster.Cluster, member string) bool {
	return slices.ContainsFunc(want.Members, func(m cluster.Member) bool { return m.Name == member })
}

// judgeServices warns of services beside members that run, and that do not run
// themselves: a DNS server, a discovery service, a Prometheus. No member misses them
// before it starts, or ever.
func judgeServices(have *runtime.State, r *health.Report) {
	if len(running(have)) == 0 {
		return
	}
	for _, s := range have.Servers {
		if s.Role != runtime.Service || s.Status == runtime.Running || s.Status == runtime.Absent || s.Status == runtime.Away {
			continue
		}
		why := fmt.Sprintf("%s: %s; `etcdctr logs %s` tells why, `etcdctr up` starts it", s.Name, whyIdle(s), s.Name)
		switch s.Status {
		case runtime.Created:
			why = s.Name + ": it was never started: `etcdctr up` starts it, or says why it can't"
		case runtime.Paused:
			why = s.Name + ": " + whyIdle(s)
		}
		r.Warnings = append(r.Warnings, why)
	}
}

// judgeUnlinked tells of members that go on with data that is deleted: they answer as ever.
func judgeUnlinked(have *runtime.State, r *health.Report) {
	for _, m := range have.Members() {
		if m.Unlinked {
			refusal, then := converge.Unlinked(have, m)
			r.Healthy = false
			r.Failures = append(r.Failures, fmt.Sprintf("%v: `%s` keeps that, and %s", refusal, Typed(refusal.Remedy.Command), then))
		}
	}
}

// whyIdle is why a member does not run, where what runs it knows.
func whyIdle(m runtime.Server) string {
	switch {
	case m.Held != "":
		return m.Held
	case m.Status == runtime.Paused:
		return "it is paused: `etcdctr up` has it go on"
	case idleAs(m) == "":
		return ""
	}
	return "it is " + idleAs(m)
}

// idleAs is what a member is that does not run, with its runtime's own word for that; empty
// where it may answer.
func idleAs(m runtime.Server) string {
	switch {
	case m.MayAnswer():
		return ""
	case m.Detail != "" && !strings.EqualFold(m.Detail, string(m.Status)):
		return fmt.Sprintf("%s (%s)", m.Status, m.Detail)
	}
	return string(m.Status)
}

// saysMembers reports whether a description says who the members are, or how many.
func saysMembers(want *cluster.Cluster) bool {
	return want != nil && (want.Spec.Members.Count > 0 || len(want.Spec.Members.List) > 0)
}

// JudgeBackups adds to a report what is wrong with the backups that the Spec asks
// for: that one is late is a warning, and that the cluster holds less than it did
// is a failure.
func (c *Cluster) JudgeBackups(ctx context.Context, r *health.Report) {
	err := c.CheckBackups(ctx)
	behind := (*backup.BehindError)(nil)
	switch {
	case err == nil:
	case errors.As(err, &behind):
		r.Healthy, r.Failures = false, append(r.Failures, err.Error())
	default:
		r.Warnings = append(r.Warnings, err.Error())
	}
}

// LostError is the error of a cluster that is up and holds less than its backups say it
// did.
type LostError struct {
	Err     error  // a *backup.BehindError
	Backups string // where they are
}

func (e *LostError) Error() string { return e.Err.Error() }

func (e *LostError) Unwrap() error { return e.Err }

// Lost is what a cluster that was brought up has lost before: a *LostError where its backups
// know of it, and else what Emptied says. What else there is to say of backups JudgeBackups
// says.
func (c *Cluster) Lost(ctx context.Context) error {
	err := c.CheckBackups(ctx)
	if errors.As(err, new(*backup.BehindError)) {
		return &LostError{Err: err, Backups: c.spec.Backup.Destination}
	}
	return c.Emptied()
}

package etcdctr

import (
	"context"
	"errors"
	"slices"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file tells whose certificates are looked after.

// Roster is who the members are by the description, by what there is of them, if that is no
// more than their data, and, where they run, by etcd; nil where not all of these can be known:
// a certificate too many does less harm than one that ends. What there is of them is what
// was observed; nil for nothing.
func (c *Cluster) Roster(ctx context.Context, have *runtime.State) *certs.Roster {
	described := c.spec.Members.Count > 0 || len(c.spec.Members.List) > 0
	away := slices.ContainsFunc(have.Members(), func(m runtime.Server) bool { return m.Status == runtime.Away })
	if have == nil && !described || away { // whose data may be there
		return nil
	}
	want, err := c.Want(ctx)
	if err != nil || want.TLS != cluster.Mutual {
		return nil
	}
	counted, known := c.counted(ctx, have)
	if !known {
		return nil
	}
	roster := rosterOf(want, have, counted)
	return &roster
}

// counted are the members by etcd, where some run, and whether that is known.
func (c *Cluster) counted(ctx context.Context, have *runtime.State) (all []member.Member, known bool) {
	if !have.Active() {
		return nil, true
	}
	members, hangUp, err := c.askMembers(ctx, have)
	if err != nil {
		return nil, false
	}
	view, err := members.Look(ctx)
	err = errors.Join(err, hangUp())
	return view.Members, err == nil && len(view.Members) > 0
}

func rosterOf(want *cluster.Cluster, have *runtime.State, counted []member.Member) certs.Roster {
	roster := certs.Roster{Cluster: want.Name}
	for _, m := range CertsPlan(want).Members {
		roster.Members = append(roster.Members, m.Name)
	}
	for _, m := range have.Members() {
		roster.Members = append(roster.Members, m.Name)
	}
	for _, m := range counted {
		roster.Members = append(roster.Members, m.Name)
	}
	slices.Sort(roster.Members)
	roster.Members = slices.Compact(roster.Members)
	return roster
}

// RosteredPKI is PKI with the Roster of what was observed.
func (c *Cluster) RosteredPKI(ctx context.Context, have *runtime.State) *certs.PKI {
	pki := c.PKI()
	pki.Roster = c.Roster(ctx, have)
	return pki
}

// rosteredNow is PKI with the Roster of what is there now, where that can be seen.
func (c *Cluster) rosteredNow(ctx context.Context) *certs.PKI {
	have, err := c.Observe(ctx)
	switch {
	case errors.Is(err, runtime.ErrNotFound):
		have = nil
	case err != nil:
		return c.PKI()
	}
	return c.RosteredPKI(ctx, have)
}

// LeftCertificates names the members that a change has taken away with their data, and whose
// certificates members let in still: see certs.PKI.Left. What there is now was observed after
// the change.
func (c *Cluster) LeftCertificates(ctx context.Context, made converge.Steps, have *runtime.State) ([]string, error) {
	if c.o.Provided || !slices.ContainsFunc(made, func(s converge.Step) bool { return s.Kind == converge.Delete || s.Kind == converge.Remove }) {
		return nil, nil
	}
	return c.RosteredPKI(ctx, have).Left()
}

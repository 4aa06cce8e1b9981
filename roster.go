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
// a certificate too many does less harm than one that ends.
func (c *Cluster) Roster(ctx context.Context) *certs.Roster {
	have, err := c.Observe(ctx)
	if errors.Is(err, runtime.ErrNotFound) {
		have, err = nil, nil
	}
	described := c.spec.Members.Count > 0 || len(c.spec.Members.List) > 0
	away := slices.ContainsFunc(have.Members(), func(m runtime.Server) bool { return m.Status == runtime.Away })
	if err != nil || have == nil && !described || away { // whose data may be there
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
	err := c.WithMembers(ctx, func(m *member.Client) error {
		view, err := m.Look(ctx)
		all = view.Members
		return err
	})
	return all, err == nil && len(all) > 0
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

// RosteredPKI is PKI with the Roster.
func (c *Cluster) RosteredPKI(ctx context.Context) *certs.PKI {
	pki := c.PKI()
	pki.Roster = c.Roster(ctx)
	return pki
}

// LeftCertificates names the members that a change has taken away with their data, and whose
// certificates members let in still: see certs.PKI.Left.
func (c *Cluster) LeftCertificates(ctx context.Context, made converge.Steps) ([]string, error) {
	if c.o.Provided || !slices.ContainsFunc(made, func(s converge.Step) bool { return s.Kind == converge.Delete || s.Kind == converge.Remove }) {
		return nil, nil
	}
	return c.RosteredPKI(ctx).Left()
}

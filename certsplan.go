package etcdctr

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
)

// This file is which certificates are made of a cluster, where not just all that it
// needs is meant.

// CertsOptions are what a plan of certificates leaves to be chosen.
type CertsOptions struct {
	// Member is the only one that is meant, for the machine that it has to itself; empty
	// for all.
	Member string
	// Clients are those besides the one that watches the cluster, which is among them
	// unless a Member is meant.
	Clients []string
	// Hosts are further names and addresses of all members, or of one: MEMBER=HOST.
	Hosts []string
	// Exact, SingleCA, Key and Lifetime are those of certs.Plan.
	Exact, SingleCA bool
	Key             certs.KeyAlgorithm
	Lifetime        time.Duration
	// Authority is who vouches, and for how long.
	Authority certs.AuthorityPlan
	// CFSSL is a folder of cfssl's to take over; empty for none.
	CFSSL string
}

// WantMutual refuses a cluster that has no certificates of an authority.
func WantMutual(mode cluster.TLSMode, what string) error {
	if mode == cluster.Mutual {
		return nil
	}
	return &InputError{fmt.Errorf("tls: %s has no use for %s: use mutual", mode, what)}
}

// CertsPlanOf is the plan of the certificates that are meant, and what may surprise
// about it.
func CertsPlanOf(c *cluster.Cluster, o CertsOptions) (certs.Plan, []string, error) {
	if err := WantMutual(c.TLS, "certificates"); err != nil {
		return certs.Plan{}, nil, err
	}
	plan := CertsPlan(c)
	plan.Clients = nil
	clients := slices.Clone(o.Clients)
	if c.Monitoring != nil && o.Member == "" && !slices.Contains(clients, cluster.MonitoringClient) {
		clients = append(clients, cluster.MonitoringClient)
	}
	for _, name := range clients {
		plan.Clients = append(plan.Clients, certs.ClientIdentity{Name: name})
	}
	plan.SingleCA, plan.Exact, plan.Key, plan.Lifetime, plan.Authority = o.SingleCA, o.Exact, o.Key, o.Lifetime, o.Authority
	if err := addHosts(plan.Members, o.Hosts); err != nil {
		return plan, nil, err
	}
	if o.Member != "" {
		only, err := c.Member(o.Member)
		if err != nil {
			return plan, nil, err
		}
		plan.Members = slices.DeleteFunc(plan.Members, func(m certs.Member) bool { return m.Name != only.Name })
	}
	var notes []string
	if o.CFSSL != "" {
		var err error
		if plan, notes, err = certs.FromCFSSL(o.CFSSL, plan); err != nil {
			return plan, notes, &InputError{err}
		}
	}
	if err := plan.Validate(); err != nil {
		return plan, notes, &InputError{err}
	}
	return plan, notes, nil
}

// VerifyCerts tells what is wrong with the certificates of a cluster: of its members, and
// of whom they trust. Which clients there are is not the cluster's matter. The error of one
// without an authority is that of WantMutual.
func VerifyCerts(c *cluster.Cluster, pki *certs.PKI, within time.Duration) ([]certs.Finding, error) {
	if err := WantMutual(c.TLS, "certificates"); err != nil {
		return nil, err
	}
	plan := CertsPlan(c)
	plan.Clients = nil
	return pki.Verify(certs.VerifyOptions{Plan: &plan, Within: within, Users: CertsUsers(c.Auth)})
}

// addHosts gives members further names and addresses.
func addHosts(members []certs.Member, hosts []string) error {
	var errs []error
	for _, h := range hosts {
		name, host, one := strings.Cut(h, "=")
		if !one {
			host = h
		}
		if one && !slices.ContainsFunc(members, func(m certs.Member) bool { return m.Name == name }) {
			errs = append(errs, &InputError{fmt.Errorf("--host %s: there is no member %q: write MEMBER=HOST, or HOST for all", h, name)})
		}
		for i := range members {
			if !one || members[i].Name == name {
				members[i].Hosts = append(members[i].Hosts, host)
			}
		}
	}
	return errors.Join(errs...)
}

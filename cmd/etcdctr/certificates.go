package main

import (
	"context"
	"fmt"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
)

// adminClient is the client identity that every cluster with certificates
// gets: the user that etcd lets do everything once authentication is on.
const adminClient = "root"

func (a *app) pki(dir string) *certs.PKI {
	return &certs.PKI{Dir: dir, Now: a.now, Random: a.random}
}

// certsPlan is the PKI that a cluster needs.
func certsPlan(c *cluster.Cluster) certs.Plan {
	plan := certs.Plan{
		Cluster: c.Name,
		Clients: []certs.ClientIdentity{{Name: adminClient}},
	}
	for _, m := range c.Servers() {
		plan.Members = append(plan.Members, certs.Member{Name: m.Name, Hosts: []string{m.Place.Host}, Aliases: m.Place.AlsoKnownAs})
	}
	if c.DNS != nil {
		plan.DiscoveryDomain = c.DNS.Domain
	}
	return plan
}

// ensureCertificates sees to it that the cluster's certificates are in dir and
// fit, and says what it did.
func (a *app) ensureCertificates(ctx context.Context, c *cluster.Cluster, dir string) error {
	if c.TLS != cluster.Mutual {
		return nil
	}
	report, err := a.pki(dir).Ensure(ctx, certsPlan(c))
	if err != nil {
		return certsError(dir, err)
	}
	a.say("certificates in %s: %s", dir, report)
	return nil
}

// certsError says which folder an error of the PKI is about.
func certsError(dir string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("certificates in %s: %w", dir, err)
}

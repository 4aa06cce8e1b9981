// Package pki tells which certificates a cluster needs: it joins package cluster,
// which knows the members, and package certs, which makes the files.
package pki

import (
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
)

// AdminClient is the client identity that every cluster with certificates gets:
// the user that etcd lets do everything once authentication is on.
const AdminClient = cluster.RootName

// Plan is the PKI that a cluster needs. What members are also known as, beside
// where others reach them, a certificate from elsewhere may lack.
func Plan(c *cluster.Cluster) certs.Plan {
	plan := certs.Plan{
		Cluster: c.Name,
		Own:     c.Spec.CertsDir == "", // who names a folder may mean to share it
		Clients: []certs.ClientIdentity{{Name: AdminClient}},
	}
	if c.Monitoring != nil {
		plan.Clients = append(plan.Clients, certs.ClientIdentity{Name: cluster.MonitoringClient})
	}
	if c.Backup != nil && c.Backup.Identity {
		id := certs.ClientIdentity{Name: cluster.BackupName}
		if c.BackupContained() { // it tells Prometheus of them
			id.Hosts = []string{cluster.BackupName}
		}
		plan.Clients = append(plan.Clients, id)
	}
	for _, m := range c.Servers() {
		plan.Members = append(plan.Members, certs.Member{Name: m.Name, Hosts: []string{m.Place.Host}, Aliases: m.Place.AlsoKnownAs})
	}
	if c.DNS != nil {
		plan.DiscoveryDomain = c.DNS.Domain
	}
	return plan
}

package compose_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

// Every path is as Compose is to see it, and a bucket is none.
func TestOptionsAreThoseOfTheCluster(t *testing.T) {
	c := &cluster.Cluster{
		Name: "orders", Backup: &cluster.Backup{Destination: "/backups"},
		Discovery: &cluster.Discovery{Credentials: cluster.DiscoveryCredentials{CACert: "ca.pem"}},
	}
	at := func(path string) string { return "<" + path + ">" }
	got := compose.Options{CertsDir: "certs", DNSDir: "dns", MonitoringDir: "monitoring"}.Of(c, at)
	want := compose.Options{
		CertsDir: "<certs>", EnvDir: "<>", DNSDir: "<dns/orders>", MonitoringDir: "<monitoring/orders>", Backups: "</backups>",
		Credentials: cluster.DiscoveryCredentials{CACert: "<ca.pem>", Cert: "<>", Key: "<>"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c.Backup.Destination = "s3://backups/orders"
	if got := (compose.Options{}).Of(c, at).Backups; got != c.Backup.Destination {
		t.Errorf("backups go into %s", got)
	}
}

package etcdctr_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
)

func resolved(t *testing.T, spec cluster.Spec) *cluster.Cluster {
	t.Helper()
	c, err := cluster.Resolve(spec, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCertificatesAreOfWhoIsMeant(t *testing.T) {
	watched := resolved(t, cluster.Spec{Monitoring: "true"})
	names := func(plan certs.Plan) string {
		var all []string
		for _, m := range plan.Members {
			all = append(all, m.Name)
		}
		for _, c := range plan.Clients {
			all = append(all, "client "+c.Name)
		}
		return strings.Join(all, " ")
	}
	for _, c := range []struct {
		o    etcdctr.CertsOptions
		want string
	}{
		{etcdctr.CertsOptions{}, "etcd1 etcd2 etcd3 client monitoring"},
		{etcdctr.CertsOptions{Clients: []string{"root", "monitoring"}}, "etcd1 etcd2 etcd3 client root client monitoring"},
		{etcdctr.CertsOptions{Member: "etcd2"}, "etcd2"},
		{etcdctr.CertsOptions{Member: "etcd2", Clients: []string{"app"}}, "etcd2 client app"},
	} {
		plan, _, err := etcdctr.CertsPlanOf(watched, c.o)
		if got := names(plan); err != nil || got != c.want {
			t.Errorf("%+v: %s, %v; want %s", c.o, got, err, c.want)
		}
	}
}

func TestHostsAreOfAllMembersOrOfOne(t *testing.T) {
	plan, _, err := etcdctr.CertsPlanOf(resolved(t, cluster.Spec{}), etcdctr.CertsOptions{Hosts: []string{"db.example.com", "etcd2=10.0.0.2"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range plan.Members {
		hosts := strings.Join(m.Hosts, " ")
		if !strings.Contains(hosts, "db.example.com") || strings.Contains(hosts, "10.0.0.2") != (m.Name == "etcd2") {
			t.Errorf("%s answers to %s", m.Name, hosts)
		}
	}
	if _, _, err := etcdctr.CertsPlanOf(resolved(t, cluster.Spec{}), etcdctr.CertsOptions{Hosts: []string{"etcd9=10.0.0.9"}}); !errors.As(err, new(*etcdctr.InputError)) {
		t.Errorf("a host of nobody: %v", err)
	}
}

func TestNoCertificatesAreMadeWhereNobodyShowsThem(t *testing.T) {
	_, _, err := etcdctr.CertsPlanOf(resolved(t, cluster.Spec{TLS: "none"}), etcdctr.CertsOptions{})
	if !errors.As(err, new(*etcdctr.InputError)) || !strings.Contains(err.Error(), "tls: none has no use for certificates") {
		t.Errorf("it says %v", err)
	}
}

func TestWhatIsWrongWithTheCertificatesOfAClusterIsFound(t *testing.T) {
	c, pki := resolved(t, cluster.Spec{}), &certs.PKI{Dir: t.TempDir(), Now: time.Now, Random: rand.Reader}
	none, err := etcdctr.VerifyCerts(c, pki, 0)
	if err != nil || certs.Verdict(none) == nil {
		t.Errorf("without any: %v, %v", none, err)
	}
	plan := etcdctr.CertsPlan(c)
	plan.Clients = nil // whom it has is not the cluster's matter
	if _, err := pki.Ensure(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	if all, err := etcdctr.VerifyCerts(c, pki, 0); err != nil || certs.Verdict(all) != nil {
		t.Errorf("with all: %v, %v", all, err)
	}
	if _, err := etcdctr.VerifyCerts(resolved(t, cluster.Spec{TLS: "none"}), pki, 0); !errors.As(err, new(*etcdctr.InputError)) {
		t.Errorf("a cluster that has none: %v", err)
	}
}

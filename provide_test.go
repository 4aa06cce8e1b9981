package etcdctr_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
)

// Whoever starts the members, and wherever they are, they need the same: a
// container is found by further names, which a certificate from elsewhere lacks.
func TestCertificatesServeWhoeverStartsTheMembers(t *testing.T) {
	for name, elsewhere := range map[string]bool{"made here": false, "made elsewhere": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var told []certs.Report
			clusters := etcdctr.New(etcdctr.Options{Folder: dir, Events: func(e etcdctr.Event) {
				if e.Certificates != nil {
					told = append(told, *e.Certificates)
				}
			}})
			spec := cluster.Spec{Name: "orders"}
			pki := clusters.Describe(spec).PKI()
			if elsewhere {
				makeElsewhere(t, pki)
			}
			for _, place := range []cluster.Placement{
				cluster.InContainers, cluster.InProcesses(dir, pki.Dir), cluster.UnderSystemd, cluster.InContainers,
			} {
				provideAt(t, clusters.Describe(spec), spec, place)
			}
			if !elsewhere {
				told = told[1:] // which has made them
			}
			for _, report := range told {
				if report.Changed() {
					t.Errorf("changed what was there: %s", report)
				}
			}
		})
	}
}

// makeElsewhere makes certificates of members by their plain names, and takes the
// authority's key away.
func makeElsewhere(t *testing.T, pki *certs.PKI) {
	t.Helper()
	plan := certs.Plan{Cluster: "company", Clients: []certs.ClientIdentity{{Name: etcdctr.AdminClient}}}
	for _, m := range []string{"etcd1", "etcd2", "etcd3"} {
		plan.Members = append(plan.Members, certs.Member{Name: m})
	}
	if _, err := pki.Ensure(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(pki.Dir, "ca")); err != nil {
		t.Fatal(err)
	}
}

// provideAt makes what a cluster at a place needs.
func provideAt(t *testing.T, c *etcdctr.Cluster, spec cluster.Spec, place cluster.Placement) {
	t.Helper()
	want, err := cluster.Resolve(spec, place)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Provide(t.Context(), want); err != nil {
		t.Fatal(err)
	}
}

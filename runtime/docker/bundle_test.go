package docker

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
)

// A bundle has what services beside the members read, and of certificates no key.
func TestABundleHoldsFilesAndNoKey(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"ca/client/tls.crt", "ca/client/tls.key", "ca/client/crl.der", "members/etcd1/peer/tls.key"} {
		if err := writeFile(filepath.Join(dir, name), []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	c, err := cluster.Resolve(cluster.Spec{Name: "orders", Monitoring: "true"}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	var caveats []string
	r := New(Options{Folder: t.TempDir(), Events: func(e runtime.Event) { caveats = append(caveats, e.Detail) }})
	files, err := r.bundled(t.Context(), c, compose.Project(c, compose.Options{CertsDir: "./certs", MonitoringDir: "./monitoring/orders"}), dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	want := []string{BundledCompose, "monitoring/orders/prometheus.yml", "monitoring/orders/rules.yml", "certs/ca/client/crl.der", "certs/ca/client/tls.crt"}
	if !slices.Equal(names, want) || caveats != nil {
		t.Errorf("the bundle has %v, want %v (%v)", names, want, caveats)
	}
	empty := t.TempDir()
	if _, err := r.bundled(t.Context(), c, compose.Project(c, compose.Options{CertsDir: "./certs", MonitoringDir: "./monitoring/orders"}), empty); err != nil {
		t.Fatal(err)
	}
	if len(caveats) != 1 {
		t.Errorf("of a folder without certificates it is said: %q", caveats)
	}
}

func TestTheFilesOfServicesAreWrittenBesideTheComposeFile(t *testing.T) {
	c, err := cluster.Resolve(cluster.Spec{Name: "orders", TLS: "none", Bootstrap: "dns"}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := WriteConfigs(c, dir); err != nil {
		t.Fatal(err)
	}
	configs, err := Configs(c)
	if err != nil || len(configs) != 1 {
		t.Fatal(configs, err)
	}
	for name, want := range configs[0].Files {
		got, err := os.ReadFile(filepath.Join(dir, "dns", "orders", name))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s holds %q, %v", name, got, err)
		}
	}
}

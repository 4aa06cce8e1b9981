package files_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/bundle"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/files"
)

// writer describes a cluster in the folder orders of a current folder of its own.
func writer(t *testing.T, spec cluster.Spec, place cluster.Placement) (files.Writer, *cluster.Cluster) {
	t.Helper()
	t.Chdir(t.TempDir())
	c, err := cluster.Resolve(spec, place)
	if err != nil {
		t.Fatal(err)
	}
	return files.Writer{Described: etcdctr.New(etcdctr.Options{Folder: "orders"}).Describe(spec), Folder: "orders", CertsDir: "orders/certs"}, c
}

func TestPathsAreRightFromWhereTheFileWillBe(t *testing.T) {
	for output, want := range map[string]string{
		"": "./orders/certs/members/etcd1", "docker-compose.yml": "./orders/certs/members/etcd1",
		"orders/docker-compose.yml": "./certs/members/etcd1", "elsewhere/docker-compose.yml": "../orders/certs/members/etcd1",
	} {
		w, c := writer(t, cluster.Spec{Name: "orders"}, cluster.InContainers)
		file, err := w.Compose(t.Context(), c, files.ComposeOptions{Output: output})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(file), "source: "+want+"\n") {
			t.Errorf("%q has no %s:\n%s", output, want, file)
		}
		if _, err := os.Stat("orders/certs/members/etcd1/server/tls.key"); err != nil {
			t.Errorf("what the file mounts is not there: %v", err)
		}
	}
}

func TestAStackFileCallsCertificatesByWhatIsInThem(t *testing.T) {
	spec := cluster.Spec{Name: "orders", Runtime: string(cluster.Swarm), Members: cluster.Members{List: []cluster.MemberSpec{{Name: "etcd1", Node: "a"}}}}
	w, c := writer(t, spec, cluster.InContainers)
	first, err := w.Compose(t.Context(), c, files.ComposeOptions{EnvDir: "env"})
	if err != nil || !strings.Contains(string(first), "secrets:") {
		t.Fatalf("%v\n%s", err, first)
	}
	again, err := w.Compose(t.Context(), c, files.ComposeOptions{EnvDir: "env"})
	if err != nil || string(again) != string(first) {
		t.Errorf("of the same certificates another file is made: %v\n%s", err, again)
	}
	if _, err := os.Stat("env/etcd1.env"); err != nil {
		t.Error(err)
	}
}

func TestAFileIsRefusedThatTheClusterCantBe(t *testing.T) {
	machines := cluster.Members{List: []cluster.MemberSpec{{Name: "etcd1", Host: "192.0.2.1"}, {Name: "etcd2", Host: "192.0.2.2"}, {Name: "etcd3", Host: "192.0.2.3"}}}
	for _, c := range []struct {
		name string
		spec cluster.Spec
		o    files.ComposeOptions
		want string
	}{
		{"of machines, and not whose", cluster.Spec{Members: machines}, files.ComposeOptions{}, "say whose"},
		{"of a machine that it does not have", cluster.Spec{}, files.ComposeOptions{Member: "etcd1"}, "run on one machine"},
		{"of nobody", cluster.Spec{Members: machines}, files.ComposeOptions{Member: "etcd4"}, "its members are etcd1, etcd2, etcd3"},
		{"for old programs, of one machine", cluster.Spec{Members: machines}, files.ComposeOptions{Member: "etcd1", For: files.Version1}, "today's Compose only"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, resolved := writer(t, c.spec, cluster.InContainers)
			_, err := w.Compose(t.Context(), resolved, c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it says %v, not %q", err, c.want)
			}
			if _, err := os.Stat("orders"); err == nil {
				t.Error("something was made for what is refused")
			}
		})
	}
}

func TestPortsThatAreTakenAreToldOf(t *testing.T) {
	w, c := writer(t, cluster.Spec{TLS: "none", Publish: "loopback", Members: cluster.Count(1)}, cluster.InContainers)
	taken := listen(t)
	c.Members[0].PublishedPort = taken
	var told []error
	if _, err := w.Compose(t.Context(), c, files.ComposeOptions{Warn: func(err error) { told = append(told, err) }}); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || !strings.Contains(told[0].Error(), "the port of etcd1, is in use") {
		t.Errorf("it tells %v", told)
	}
	told = nil
	own := func(context.Context, *cluster.Cluster, string) []string {
		return []string{fmt.Sprintf("127.0.0.1:%d", taken)}
	}
	if _, err := w.Compose(t.Context(), c, files.ComposeOptions{Own: own, Warn: func(err error) { told = append(told, err) }}); err != nil {
		t.Fatal(err)
	}
	if len(told) != 0 {
		t.Errorf("of its own ports it tells %v", told)
	}
}

func TestAddressesOfAProcfileThatAreTakenAreToldOf(t *testing.T) {
	t.Chdir(t.TempDir())
	w, c := writer(t, cluster.Spec{TLS: "none", Members: cluster.Count(1)}, cluster.InProcesses("data", "certs"))
	m := &c.Members[0]
	taken := fmt.Sprintf("127.0.0.1:%d", listen(t))
	m.Settings = slices.Clone(m.Settings)
	for i := range m.Settings {
		switch m.Settings[i].Name {
		case "listen-client-urls":
			m.Settings[i].Value = "http://127.0.0.1:0"
		case "listen-peer-urls", "listen-metrics-urls":
			m.Settings[i].Value = "http://" + taken
		}
	}
	var told []error
	if _, err := w.Procfile(t.Context(), c, files.ProcfileOptions{Etcd: "etcd", Warn: func(err error) { told = append(told, err) }}); err != nil {
		t.Fatal(err)
	}
	want := taken + " and " + taken + ", where etcd1 is to listen, are in use: if they are not by this cluster, give the member another client-port"
	if len(told) != 1 || told[0].Error() != want {
		t.Errorf("it tells %v, want %q", told, want)
	}
	told = nil
	if _, err := w.Procfile(t.Context(), c, files.ProcfileOptions{Etcd: "etcd", Own: []string{taken}, Warn: func(err error) { told = append(told, err) }}); err != nil {
		t.Fatal(err)
	}
	if len(told) > 0 {
		t.Errorf("of its own members it tells %v", told)
	}
}

func TestAProcfileFindsWhatItNeedsFromItsFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	place, err := files.Writer{CertsDir: "orders/certs"}.InProcesses("orders/Procfile", "data")
	if err != nil {
		t.Fatal(err)
	}
	w, c := writer(t, cluster.Spec{Name: "orders"}, place)
	file, err := w.Procfile(t.Context(), c, files.ProcfileOptions{Etcd: "etcd"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"etcd1: ", "ETCD_DATA_DIR=../data/etcd1", "ETCD_CERT_FILE=certs/members/etcd1/server/tls.crt"} {
		if !strings.Contains(string(file), want) {
			t.Errorf("it has no %q:\n%s", want, file)
		}
	}
}

func TestUnitsAreOneMembersOrAll(t *testing.T) {
	w, c := writer(t, cluster.Spec{Name: "orders"}, cluster.UnderSystemd)
	all, err := w.Units(t.Context(), c, files.UnitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	one, err := w.Units(t.Context(), c, files.UnitOptions{Member: "etcd2", Etcd: "/usr/bin/etcd"})
	if err != nil || len(one) >= len(all) {
		t.Fatalf("%d of %d files, %v", len(one), len(all), err)
	}
	for _, f := range one {
		if strings.Contains(string(f.Data), "etcd1.service") || strings.Contains(string(f.Data), files.Program) {
			t.Errorf("%s is not of etcd2 by /usr/bin/etcd alone:\n%s", f.Name, f.Data)
		}
	}
}

func TestBundlesAreOfWhoMayBeFounded(t *testing.T) {
	w, c := writer(t, cluster.Spec{Name: "orders"}, cluster.InContainers)
	if err := w.Bundles(t.Context(), c, "bundles", nil, nil); !errors.As(err, new(*files.NoMachinesError)) {
		t.Errorf("without machines it says %v", err)
	}
	spec := cluster.Spec{Name: "orders", Members: cluster.Members{List: []cluster.MemberSpec{{Name: "etcd1", Host: "192.0.2.1"}, {Name: "etcd2", Host: "192.0.2.2"}, {Name: "etcd3", Host: "192.0.2.3"}}}}
	w, c = writer(t, spec, cluster.InContainers)
	if err := w.Bundles(t.Context(), c, "bundles", []string{"etcd9"}, nil); !errors.As(err, new(*files.UnfitError)) {
		t.Errorf("of nobody it says %v", err)
	}
	var told []string
	err := w.Bundles(t.Context(), c, "bundles", []string{"etcd1", "etcd3"}, func(_ string, m bundle.Machine) { told = append(told, m.Member()) })
	if err != nil || !slices.Equal(told, []string{"etcd1", "etcd3"}) {
		t.Fatalf("it tells of %v, %v", told, err)
	}
	if found, _ := filepath.Glob("bundles/*.tar.gz"); len(found) != 2 {
		t.Errorf("there are %v", found)
	}
}

// listen takes a port of loopback.
func listen(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

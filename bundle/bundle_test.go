package bundle

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
)

const described = `
name: orders
members:
  - {name: etcd1, host: 192.0.2.1}
  - {name: etcd2, host: 192.0.2.2}
  - {name: etcd3, host: 192.0.2.3}
`

// A machine gets what its own member runs, and nothing of another or of an
// authority; the same files give the same bytes.
func TestAMachineGetsItsOwnFilesOnly(t *testing.T) {
	certsDir, out := t.TempDir(), t.TempDir()
	for _, name := range []string{"ca/client/tls.key", "members/etcd1/server/tls.key", "members/etcd2/server/tls.key", "members/etcd2/server/.lock"} {
		path := filepath.Join(certsDir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(name), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	spec, err := cluster.Load("etcdctr.yaml", []byte(described))
	if err != nil {
		t.Fatal(err)
	}
	inContainers, err := cluster.Resolve(spec, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	underSystemd, err := cluster.Resolve(spec, cluster.UnderSystemd)
	if err != nil {
		t.Fatal(err)
	}
	machine := Machines(inContainers, underSystemd, certsDir, "/usr/local/bin/etcdctr etcd")[1]
	var archives [2]string
	for i := range archives {
		path := filepath.Join(out, strings.Repeat("x", i+1))
		if err := machine.Write(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		archives[i] = string(data)
	}
	if archives[0] != archives[1] {
		t.Error("the same files gave other bytes")
	}
	want := []string{
		"orders-etcd2/", "orders-etcd2/README.md", "orders-etcd2/certs/members/etcd2/server/tls.key", "orders-etcd2/docker-compose.yml",
		"orders-etcd2/start.sh", "orders-etcd2/systemd/orders-etcd2.env", "orders-etcd2/systemd/orders-etcd2.service", "orders-etcd2/systemd/sysusers.conf",
	}
	if diff := cmp.Diff(want, names(t, archives[0])); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func names(t *testing.T, archive string) []string {
	t.Helper()
	unzipped, err := gzip.NewReader(strings.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for r := tar.NewReader(unzipped); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, header.Name)
	}
}

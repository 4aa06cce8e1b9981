package hosts_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/bundle"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/hosts"
)

// packing is a Runtime of one machine with a member's certificate in certs.
func packing(t *testing.T, spec cluster.Spec, output, certs string) *hosts.Runtime {
	t.Helper()
	machine := func(c *cluster.Cluster, member string) bundle.Machine {
		m, err := bundle.Of(c, member, certs, "/usr/local/bin/etcdctr")
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	return hosts.New(hosts.Options{
		Spec: spec, Output: output,
		Pack: func(ctx context.Context, c *cluster.Cluster, member string) ([]byte, error) {
			return machine(c, member).Archive(ctx)
		},
		Runs: func(ctx context.Context, c *cluster.Cluster, member string) ([]byte, error) {
			return machine(c, member).Runs(ctx)
		},
	})
}

func certify(t *testing.T, certs, text string) {
	t.Helper()
	file := filepath.Join(certs, "members", "etcd1", "server", "tls.crt")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A release that knew the whole archive only has noted that. Certificates that are renewed
// then are no reason to start a member anew, whether they are packed by now or not.
func TestWhatWasHandedOverIsKnownFromItsArchive(t *testing.T) {
	output, certs := t.TempDir(), t.TempDir()
	certify(t, certs, "old")
	spec := cluster.Spec{Name: "orders", Members: cluster.Members{List: []cluster.MemberSpec{{Name: "etcd1", Host: "192.0.2.1"}}}}
	r := packing(t, spec, output, certs)
	want, err := r.Place(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	m, err := bundle.Of(want, "etcd1", certs, "/usr/local/bin/etcdctr")
	if err != nil {
		t.Fatal(err)
	}
	archive, err := m.Archive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	settings := want.Members[0].Settings
	sum := sha256.Sum256(archive)
	note, err := json.Marshal(map[string]any{"etcd1": map[string]any{"settings": settings, "host": "192.0.2.1", "digest": hex.EncodeToString(sum[:])}})
	if err != nil {
		t.Fatal(err)
	}
	for file, data := range map[string][]byte{"orders-etcd1.tar.gz": archive, "orders.json": note} {
		if err := os.WriteFile(filepath.Join(output, file), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	have := &runtime.State{Name: "orders", Servers: []runtime.Server{{Name: "etcd1", Role: runtime.Member, Settings: settings, Data: runtime.Kept}}}
	wantChanges := func(what string, want int) {
		t.Helper()
		c, err := r.Place(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		if changes, err := r.Changes(t.Context(), c, have); err != nil || len(changes) != want {
			t.Errorf("%s: %+v, %v", what, changes, err)
		}
	}
	certify(t, certs, "renewed")
	wantChanges("renewed, and not packed", 0)
	if err := hosts.Keep(output, "orders"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(output, "orders-etcd1.tar.gz"), []byte("of the renewed"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantChanges("renewed, and packed", 0)
	spec.Image = "example.com/another:v3.6.1"
	wantChanges("another image", 1)
}

//go:build unix

package local_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/local"
)

// What is set aside is found by its name alone, of members too that are there no more, and
// half of what was being deleted can only be deleted.
func TestAllThatWasSetAsideIsToldAndDeleted(t *testing.T) {
	folder := t.TempDir()
	r := local.New(options(t, folder))
	c, err := r.Place(t.Context(), cluster.Spec{Name: "orders", TLS: "none", Members: cluster.Count(1)})
	if err != nil {
		t.Fatal(err)
	}
	data := c.Members[0].Place.DataDir
	gone := filepath.Join(filepath.Dir(filepath.Dir(data)), "etcd3", "data")
	older, newer, of3, going := data+".aside-20261128T120000.000Z", data+".aside-20261129T120000.000Z-2", gone+".aside-20261128T120000.000Z", data+".discarding"
	for _, dir := range []string{older, newer, of3, going, data + ".filling"} {
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, "member"), 0o700), os.WriteFile(filepath.Join(dir, "member", "db"), []byte("data"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	want := []runtime.Aside{
		{Server: "etcd1", Where: newer, Time: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), Bytes: 4},
		{Server: "etcd1", Where: older, Time: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), Bytes: 4},
		{Server: "etcd1", Where: going, Bytes: 4},
		{Server: "etcd3", Where: of3, Time: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), Bytes: 4},
	}
	all, err := r.AllAside(t.Context(), "orders")
	if diff := cmp.Diff(want, all); err != nil || diff != "" {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	if brought, err := r.Aside(t.Context(), "orders", "etcd1"); err != nil || !cmp.Equal(brought, []string{newer, older}) {
		t.Errorf("what can be brought back is %q, %v", brought, err)
	}
	if err := r.Discard(t.Context(), "orders", runtime.Aside{Server: "etcd1", Where: data + ".filling"}); err == nil {
		t.Error("what was not set aside is deleted")
	}
	for _, a := range []runtime.Aside{want[2], want[0], want[3]} {
		if err := r.Discard(t.Context(), "orders", a); err != nil {
			t.Error(err)
		}
	}
	if left, err := r.AllAside(t.Context(), "orders"); err != nil || !cmp.Equal(left, want[1:2]) {
		t.Errorf("left is %+v, %v", left, err)
	}
	for _, dir := range []string{newer, of3, going} {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", dir, err)
		}
	}
}

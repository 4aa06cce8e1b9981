//go:build unix

package local_test

import (
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/local"
)

// Between the look at a port and the start somebody may get it: the member goes on at the one
// that it had.
func TestAMemberWhoseNewPortIsTakenRunsAsBefore(t *testing.T) {
	r := local.New(options(t, t.TempDir()))
	spec := cluster.Spec{Name: "kept", Members: cluster.Count(1), TLS: "none"}
	before := start(t, r, spec)
	awaitHealth(t, before)
	port := before.Members[0].Place.ClientPort + 100
	taken := listen(t, port)
	defer taken.Close()
	spec.Members = cluster.Members{List: []cluster.MemberSpec{{Name: "etcd1", ClientPort: strconv.Itoa(port)}}}
	c, err := r.Place(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	err = r.Apply(t.Context(), c, "etcd1")
	if start := (*runtime.StartError)(nil); !errors.As(err, &start) {
		t.Fatalf("the error is %v", err)
	}
	awaitHealth(t, before)
	have, err := r.Observe(t.Context(), "kept")
	if err != nil {
		t.Fatal(err)
	}
	at := "127.0.0.1:" + strconv.Itoa(before.Members[0].Place.ClientPort)
	if m := have.Members()[0]; m.Status != runtime.Running || !slices.Equal(m.Published, []string{at}) {
		t.Errorf("it is %s at %v, want it at %s", m.Status, m.Published, at)
	}
}

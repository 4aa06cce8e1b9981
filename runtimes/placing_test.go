package runtimes

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// Whoever gives Docker Compose a file of another release has all members start with that.
func TestAFileOfAReleaseThatDoesNotReadTheirDataIsTold(t *testing.T) {
	for _, test := range []struct {
		has, to        string
		told, backward bool
	}{
		{has: "3.6.16", to: "3.6.16"},
		{has: "3.5.35", to: "3.6.16"},
		{has: "3.6.16", to: "3.5.35", told: true, backward: true},
		{has: "3.5.35", to: "3.7.3", told: true},
		{has: "", to: "3.5.35"}, // which nobody knows
	} {
		to, err := cluster.ReadVersion(test.to)
		if err != nil {
			t.Fatal(err)
		}
		have := &runtime.State{Servers: []runtime.Server{
			{Name: "etcd1", Role: runtime.Member, Release: test.has},
			{Name: "etcd2", Role: runtime.Member, Release: test.to},
			{Name: "etcd3", Role: runtime.Member, Release: test.has},
		}}
		got, told := errors.AsType[*HopError](hop(to, have))
		if told != test.told || told && got.Backward != test.backward {
			t.Errorf("from %q to %s: %v", test.has, test.to, got)
		}
		if told && (!slices.Equal(got.Members, []string{"etcd1", "etcd3"}) || !strings.HasPrefix(got.Error(), "etcd1 and etcd3 have run v"+test.has+", ")) {
			t.Errorf("from %q to %s it is said of some only: %v", test.has, test.to, got)
		}
	}
}

// An engine may be far away, and what is written is to go by one and the same look.
func TestAnEngineIsLookedAtOnceForAFile(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Api-Version", "1.41")
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/containers/json"), strings.HasSuffix(r.URL.Path, "/networks"):
			fmt.Fprint(w, "[]")
		default:
			fmt.Fprint(w, "{}")
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("DOCKER_HOST", "tcp://"+server.Listener.Addr().String())
	r, err := Open(Options{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	c, err := cluster.Resolve(cluster.Spec{Name: "orders"}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	there := r.There(t.Context(), c)
	looked := asked.Load()
	if _, err := there.AsStarted(t.Context(), "."); errors.Join(err, there.CheckFree("."), there.CheckHop(), there.CheckMembers()) != nil {
		t.Error(err)
	}
	_ = there.Published(".")
	if again := asked.Load(); looked == 0 || again != looked {
		t.Errorf("after %d questions there are %d", looked, again)
	}
}

//go:build e2e

package e2e

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// A cluster that tests share, in one process and in several.

// newShared gives a spec and a name for a cluster to share, and removes it when
// the test ends.
func newShared(t *testing.T) (cluster.Spec, string) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	spec, name := cluster.Spec{Image: etcdImage(t, cluster.NewestMinor)}, uniqueName(namePrefix)
	t.Cleanup(func() {
		ctx := context.Background()
		etcd, err := Run(ctx, WithSpec(spec), WithReuseByName(name))
		if err != nil {
			t.Error(err)
		}
		if err := etcd.Terminate(ctx); err != nil {
			t.Error(err)
		}
		wantNothingLeft(t, name)
	})
	return spec, name
}

func TestTestsThatReuseANameShareOneCluster(t *testing.T) {
	spec, name := newShared(t)
	options := []Option{WithSpec(spec), WithReuseByName(name)}
	var before []string
	t.Run("the first makes it", func(t *testing.T) {
		etcd := Start(t, options...)
		put(t, etcd.Client, "key", "value")
		before = etcd.Endpoints()
		if err := etcd.Members[0].Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if err := etcd.Members[1].Pause(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("the next finds it, and all members running", func(t *testing.T) {
		etcd := Start(t, options...)
		if !slices.Equal(etcd.Endpoints(), before) {
			t.Errorf("at %v, before at %v", etcd.Endpoints(), before)
		}
		wantStored(t, etcd, 1)
	})
	t.Run("who asks for another one is refused", func(t *testing.T) {
		_, err := Run(t.Context(), append(options, WithMembers(1))...)
		wantError(t, err, "is there, and is another one than asked for")
	})
	t.Run("who has other certificates is refused", func(t *testing.T) {
		t.Setenv("XDG_CACHE_HOME", t.TempDir())
		_, err := Run(t.Context(), options...)
		wantError(t, err, "that this user did not make")
	})
	t.Run("half a cluster is made anew", func(t *testing.T) {
		run(t, "", "docker", "rm", "--force", name+"-etcd2-1")
		wantStored(t, Start(t, options...), 0)
	})
	t.Run("it ends for all of them", func(t *testing.T) {
		if err := Start(t, options...).Terminate(t.Context()); err != nil {
			t.Error(err)
		}
		wantNothingLeft(t, name)
	})
}

func wantStored(t *testing.T, etcd *Cluster, n int64) {
	t.Helper()
	got, err := etcd.Client.Get(t.Context(), "key")
	if err != nil || got.Count != n {
		t.Errorf("got %v, %v, want %d keys", got, err, n)
	}
}

func TestProcessesThatReuseANameAtOnceShareOneCluster(t *testing.T) {
	spec, name := newShared(t)
	var programs []*program
	for range 3 {
		programs = append(programs, startProgram(t, spec, envShared+"="+name))
	}
	var first string
	for _, p := range programs {
		endpoints := strings.Join(p.wantRunning().Endpoints, " ")
		if first == "" {
			first = endpoints
		}
		if endpoints != first {
			t.Errorf("one is at %s, another at %s", first, endpoints)
		}
		p.end()
	}
}

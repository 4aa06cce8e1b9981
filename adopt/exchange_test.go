package adopt

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// takenPorts is a runtime of ours on which the first starts fail, as an engine has not
// given back the port of what was stopped just now.
type takenPorts struct {
	fakeOurs
	runtime.Filler
	log   *[]string
	fails int
}

func (t *takenPorts) Fill(_ context.Context, _ *cluster.Cluster, server string, _ io.Reader) (string, error) {
	*t.log = append(*t.log, "fill "+server)
	return "", nil
}

func (t *takenPorts) Apply(_ context.Context, _ *cluster.Cluster, servers ...string) error {
	if t.fails--; t.fails < 0 {
		*t.log = append(*t.log, "started "+strings.Join(servers, ","))
		return nil
	}
	*t.log = append(*t.log, "refused")
	return &runtime.StartError{Server: servers[0], Reason: "the port is taken", Err: errTaken}
}

var errTaken = errors.New("the port is taken")

func (f *fakeForeign) Start(_ context.Context, m Member) error {
	f.done = append(f.done, "start "+m.Name)
	return nil
}

func (f *fakeForeign) Logs(_ context.Context, members []Member, _ runtime.LogOptions, line func(runtime.Line)) error {
	for _, m := range members {
		line(runtime.Line{Server: m.Name, Text: "permission denied"})
	}
	return nil
}

func (f *fakeForeign) Data(context.Context, Member) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("")), nil
}

// A server that is refused the port of the one that was stopped for it gets it a
// moment later, or that one runs again.
func TestNobodyIsLeftStoppedForAServerThatIsRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		fails int
		done  []string
	}{
		{"at first", 2, []string{"stop etcd1", "fill etcd1", "refused", "refused", "started etcd1", "retire etcd1"}},
		{"for good", 9, []string{"stop etcd1", "fill etcd1", "refused", "refused", "refused", "refused", "refused", "start etcd1", "part"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				foreign := &fakeForeign{stack: shop(of("etcd1", runtime.Running, open("etcd1")...))}
				r := &Runtime{Runtime: &takenPorts{log: &foreign.done, fails: c.fails}, Foreign: foreign}
				want, err := cluster.Resolve(cluster.Spec{Name: "ours", Members: cluster.Count(1), TLS: "none"}, cluster.InContainers)
				if err != nil {
					t.Fatal(err)
				}
				err = r.Apply(t.Context(), want, "etcd1")
				if failed := errors.Is(err, errTaken); failed != (c.fails > mostStarts) {
					t.Errorf("it says %v", err)
				}
				if diff := cmp.Diff(c.done, foreign.done); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

package runtimes

import (
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// Docker Compose has no member join or leave: whoever writes a file of others is told.
func TestAFileOfOtherMembersThanThoseThatRunIsToldOf(t *testing.T) {
	for _, tt := range []struct {
		said  int
		there []string
		want  []string // nil: nothing
	}{
		{5, []string{"etcd1", "etcd2", "etcd3"}, []string{"etcd4 and etcd5 would be no members", "`etcdctr up --members 5`"}},
		{3, []string{"etcd1", "etcd2", "etcd3", "etcd4"}, []string{"etcd4 would stay its members", "--remove-orphans", "`etcdctr up --members 3`"}},
		{0, []string{"etcd1", "etcd2", "etcd3", "etcd4"}, []string{"etcd4", "say --members 4"}},
		{3, []string{"etcd1", "etcd2", "etcd3"}, nil},
		{3, nil, nil},
	} {
		spec := cluster.Spec{Name: "orders", TLS: "none"}
		if tt.said > 0 {
			spec.Members = cluster.Count(tt.said)
		}
		c, err := cluster.Resolve(spec, cluster.InContainers)
		if err != nil {
			t.Fatal(err)
		}
		have := &runtime.State{Name: "orders", Servers: []runtime.Server{{Name: "etcd9", Role: runtime.Member, Status: runtime.Absent}}}
		for _, name := range tt.there {
			have.Servers = append(have.Servers, runtime.Server{Name: name, Role: runtime.Member, Status: runtime.Running})
		}
		err = others(c, have)
		if (err != nil) != (tt.want != nil) {
			t.Errorf("%d beside %v: %v", tt.said, tt.there, err)
			continue
		}
		for _, what := range tt.want {
			if !strings.Contains(err.Error(), what) {
				t.Errorf("%d beside %v: %v does not say %q", tt.said, tt.there, err, what)
			}
		}
	}
}

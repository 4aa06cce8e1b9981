package local

import (
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// Clients know members by their ports: who comes finds room beside those that are there,
// wherever these have come in the list.
func TestWhoComesHasNoPortOfWhoIsThere(t *testing.T) {
	s := seating{home: "/home", certs: "/certs", kept: map[string]int{"etcd1": 2379, "etcd2": 2479, "etcd3": 2579}}
	c, err := cluster.Resolve(cluster.Spec{Members: cluster.Members{List: []cluster.MemberSpec{{Name: "etcd2"}, {Name: "etcd3"}, {Name: "etcd4"}}}}, s.placement(0))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{2479, 2579, 3579} {
		if m := c.Members[i]; m.Place.ClientPort != want {
			t.Errorf("%s is at %d, want %d", m.Name, m.Place.ClientPort, want)
		}
	}
}

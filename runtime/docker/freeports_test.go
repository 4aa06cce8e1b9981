package docker

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/moby/moby/api/types/container"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/stack"
)

// A port is new to whoever has a container and gets another one: what the cluster has is its own.
func TestOnlyPortsThatNobodyOfTheClusterHasAreNew(t *testing.T) {
	c, err := cluster.Resolve(cluster.Spec{Name: "p", Publish: "loopback", TLS: "none"}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	c.Members[2].PublishedPort = 22979
	at := &target{cluster: c, state: &stack.State{Project: "p"}}
	for i, m := range c.Members[:2] {
		at.state.Containers = append(at.state.Containers, stack.Container{
			ID: m.Name, Name: "p-" + m.Name + "-1", Service: m.Name, Number: 1,
			Ports: []stack.Port{{Address: c.Members[i].Published(), Port: 2379}},
		})
	}
	if fresh := newPorts(at, nil); len(fresh) > 0 {
		t.Errorf("of members that have theirs, and one that has no container, there are new ones: %v", fresh)
	}
	at.state.Containers = append(at.state.Containers, stack.Container{ID: "etcd3", Name: "p-etcd3-1", Service: "etcd3", Number: 1})
	want := []publication{{server: "etcd3", address: netip.MustParseAddrPort("127.0.0.1:22979")}}
	if fresh := newPorts(at, []string{"etcd3"}); !slices.Equal(fresh, want) {
		t.Errorf("new are %v, want %v", fresh, want)
	}
	if fresh := newPorts(at, []string{"etcd1"}); len(fresh) > 0 {
		t.Errorf("nobody asks for %v", fresh)
	}
	c.Monitoring = &cluster.Monitoring{Port: 29090}
	want = append(want, publication{cluster.PrometheusName, netip.MustParseAddrPort("127.0.0.1:29090"), "prometheus-port"})
	if fresh := newPorts(at, nil); !slices.Equal(fresh, want) {
		t.Errorf("new are %v, want %v", fresh, want)
	}
}

func TestWhoHasAPortIsNamed(t *testing.T) {
	at := netip.MustParseAddrPort("127.0.0.1:22979")
	list := []container.Summary{
		{Names: []string{"/elsewhere"}, Ports: []container.PortSummary{{IP: netip.MustParseAddr("192.0.2.1"), PublicPort: 22979}}},
		{Names: []string{"/shop-web-1"}, Ports: []container.PortSummary{{IP: netip.MustParseAddr("0.0.0.0"), PublicPort: 22979}}},
	}
	if got := holder(list, "p", at); got != "the container shop-web-1" {
		t.Errorf("it is %q", got)
	}
	if got := holder(list[:1], "p", at); got != "" {
		t.Errorf("another address is taken for it: %q", got)
	}
}

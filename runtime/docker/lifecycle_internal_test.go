package docker

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// What is left is no step that comes to its end.
func TestANetworkThatIsLeftIsToldOnceWithWhoIsOnIt(t *testing.T) {
	var told []runtime.Event
	r := New(Options{Events: func(e runtime.Event) { told = append(told, e) }})
	r.tellLeft("orders", []stack.Left{{Network: "orders_cluster", Users: []string{"app"}}, {Network: "orders_clients", Users: []string{"app", "web"}}})
	want := []runtime.Event{
		{Server: "orders_cluster", Action: runtime.Caveat, Done: true, Detail: "the network orders_cluster is left, as app is on it: `etcdctr down --name orders` removes it once nobody is"},
		{Server: "orders_clients", Action: runtime.Caveat, Done: true, Detail: "the network orders_clients is left, as app and web are on it: `etcdctr down --name orders` removes it once nobody is"},
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

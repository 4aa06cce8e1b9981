package etcdctr

import (
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// A start that failed is tried again where somebody else has taken what was free, on
// an engine as on this machine.
func TestAnotherPortIsAnotherPlace(t *testing.T) {
	spec := cluster.Spec{Publish: "loopback"}
	for what, place := range map[string]cluster.Placement{"containers": cluster.InContainers, "processes": cluster.InProcesses("", "")} {
		before, err := cluster.Resolve(spec, place)
		if err != nil {
			t.Fatal(err)
		}
		auto := spec
		auto.ClientPort = cluster.AutoPort
		after, err := cluster.Resolve(auto, place)
		if err != nil {
			t.Fatal(err)
		}
		if !elsewhere(before, after) || elsewhere(before, before) {
			t.Errorf("%s at other ports are taken to be where they were, or those that are where they were to be elsewhere", what)
		}
	}
}

package etcdctr_test

import (
	"testing"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/health/doctor"
)

// What could not be started on a machine is looked for on that machine.
func TestWhatFailedOnAMachineIsLookedForThere(t *testing.T) {
	spec := cluster.Spec{Members: cluster.Members{List: []cluster.MemberSpec{{Name: "etcd1", Host: "192.0.2.1", Engine: "ssh://root@192.0.2.1"}}}}
	failed := doctor.Member{
		Name: "etcd1", Status: doctor.Created,
		EngineError: "failed to bind host port for 192.0.2.1:2379:172.18.0.2:2379/tcp: address already in use",
	}
	d, found := find(t, doomed(""), spec).Explain(t.Context(), failed, etcdctr.Examination{})
	if !found || d.Command != "ssh root@192.0.2.1 ss -ltnp sport = :2379" {
		t.Errorf("%t: %+v", found, d)
	}
}

package cluster_test

import (
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// A number says nothing of machines, ports and data: it would found another cluster
// than the list's, somewhere else.
func TestACountTakesNoListsPlaceThatSaysMoreThanNames(t *testing.T) {
	for says, of := range map[string]string{
		"host, engine": "{name: etcd1, host: 192.0.2.1, engine: 'ssh://root@192.0.2.1'}",
		"host":         "{name: etcd1, host: 192.0.2.1}",
		"node":         "{name: etcd1, node: worker}",
		"data":         "{name: etcd1, data: /srv/etcd}",
		"client-port":  "{name: etcd1, client-port: 2379}",
		"settings":     "{name: etcd1, settings: {snapshot-count: 1000}}",
	} {
		file := "members:\n  - " + of + "\n"
		s, err := cluster.Load("etcdctr.yaml", []byte(file))
		if err != nil {
			t.Fatal(err)
		}
		err = s.Set("members", "5")
		if err == nil || !strings.Contains(err.Error(), "--members: 5 would take the place of the list in the file") || !strings.Contains(err.Error(), "("+says+")") {
			t.Errorf("%s: %v", of, err)
		}
		if len(s.Members.List) != 1 {
			t.Errorf("%s: the list is not what it was: %+v", of, s.Members)
		}
		kept, err := cluster.Load("etcdctr.yaml", []byte("members: [etcd1]\n"))
		if err != nil || kept.Set("members", "5") != nil {
			t.Errorf("a list of names: %v", err)
		}
	}
}

// A cluster that was started so before says no more where its members are.
func TestACountThatWasGivenOnceIsNotRecalledOverPlaces(t *testing.T) {
	const file = "members: [{name: etcd1, host: 192.0.2.1}]\n"
	wish := "members: 5\n---\n" + spec(t, file, nil).Text()
	if got, taken := spec(t, file, nil).Recall(wish); len(taken) > 0 || len(got.Members.List) != 1 {
		t.Errorf("taken %q: %+v", taken, got.Members)
	}
}

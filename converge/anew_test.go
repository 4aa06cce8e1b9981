package converge_test

import (
	"testing"
	"testing/synctest"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
)

// Members that came of a backup, or have joined, wait for the others: where nobody has data
// any more they would wait for each other.
func TestMembersThatWaitForEachOtherAreFoundedAnew(t *testing.T) {
	f := &fake{world: world{want: 3, minor: 7}}
	wish := f.wish(converge.Asked{Verb: converge.Up})
	started := map[string]cluster.Settings{}
	for i, m := range wish.Want.Members {
		started[m.Name] = wish.Want.Joining(m.Name, []string{"etcd1=http://etcd1:2380"}).Members[i].Settings
	}
	wish.Want = wish.Want.AsStarted(started)
	synctest.Test(t, func(t *testing.T) {
		if _, err := f.hands().Do(t.Context(), wish); err != nil {
			t.Fatal(err)
		}
	})
	for _, m := range f.founded.Members {
		if got := m.Settings.Get("initial-cluster-state"); got == "existing" {
			t.Errorf("%s is founded by the state %q", m.Name, got)
		}
	}
}

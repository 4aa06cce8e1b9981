package etcdctr

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// Members that were taken out leave their volumes, which have no vote.
func TestDataOfWhoWasTakenOutMakesNoQuorum(t *testing.T) {
	const everybody = "etcd1=http://etcd1:2380,etcd2=http://etcd2:2380,etcd3=http://etcd3:2380,etcd4=http://etcd4:2380,etcd5=http://etcd5:2380"
	member := func(n int, status runtime.Status) runtime.Server {
		s := runtime.Server{Name: fmt.Sprintf("etcd%d", n), Role: runtime.Member, Status: status}
		if status != runtime.Absent {
			s.Settings = cluster.SettingsIn([]string{"ETCD_INITIAL_CLUSTER=" + everybody})
		}
		return s
	}
	three, five := []string{"etcd1", "etcd2", "etcd3"}, []string{"etcd1", "etcd2", "etcd3", "etcd4", "etcd5"}
	for what, test := range map[string]struct {
		described int
		rest      runtime.Status // of etcd4 and etcd5
		holders   []string
		voters    []string
		most      bool
	}{
		"two of three are empty, and two were taken out":     {3, runtime.Absent, []string{"etcd1", "etcd4", "etcd5"}, three, false},
		"one of three is empty, and two were taken out":      {3, runtime.Absent, []string{"etcd1", "etcd2", "etcd4", "etcd5"}, three, true},
		"two are described no more, and were not taken out":  {3, runtime.Stopped, []string{"etcd1", "etcd4", "etcd5"}, five, true},
		"of two that are described nothing is left but data": {5, runtime.Absent, []string{"etcd1", "etcd4", "etcd5"}, five, true},
		"most of five are empty":                             {5, runtime.Stopped, []string{"etcd1", "etcd4"}, five, false},
	} {
		want, have := &cluster.Cluster{}, &runtime.State{}
		for n := 1; n <= 5; n++ {
			status := runtime.Stopped
			if n > 3 {
				status = test.rest
			}
			have.Servers = append(have.Servers, member(n, status))
			if n <= test.described {
				want.Members = append(want.Members, cluster.Member{Name: fmt.Sprintf("etcd%d", n)})
			}
		}
		voters := electorate(want, have)
		if diff := cmp.Diff(test.voters, voters); diff != "" {
			t.Errorf("%s: members (-want +got):\n%s", what, diff)
		}
		if got := mostHold(voters, test.holders); got != test.most {
			t.Errorf("%s: that most have data is %v", what, got)
		}
	}
}

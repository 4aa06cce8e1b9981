package backup_test

import (
	"errors"
	"testing"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/member"
)

// three are members that serve and are in step, of which etcd1 leads, and a learner.
func three() member.View {
	var v member.View
	for i, name := range []string{"etcd1", "etcd2", "etcd3", "etcd4"} {
		id := member.ID(i + 1)
		v.Members = append(v.Members, member.Member{ID: id, Name: name, Learner: name == "etcd4"})
		v.Endpoints = append(v.Endpoints, member.Endpoint{
			Name: name, ID: id, Cluster: 7, Leader: 1, Learner: name == "etcd4", Index: 9000, Applied: 9000, Revision: 100,
		})
	}
	v.Endpoints[3].Read = member.IsLearner
	return v
}

func TestTheDataIsOfTheMemberThatItCostsLeast(t *testing.T) {
	t.Parallel()
	silent := func(e *member.Endpoint) { e.Trouble = member.Silent }
	behind := func(by uint64) func(*member.Endpoint) {
		return func(e *member.Endpoint) { e.Applied -= by }
	}
	corrupt := func(e *member.Endpoint) {
		e.Alarms = []member.Alarm{{Member: e.ID, Kind: member.Corrupt}}
	}
	noLeader := func(e *member.Endpoint) { e.Leader, e.Read = 0, member.NoLeader }
	type change struct {
		of   int // from 1
		what func(*member.Endpoint)
	}
	tests := map[string]struct {
		changes []change
		want    string
	}{
		"all are well":                          {nil, "etcd2"},
		"one lags a little, as under load":      {[]change{{2, behind(900)}, {3, silent}}, "etcd2"},
		"one lags":                              {[]change{{2, behind(1001)}}, "etcd3"},
		"both followers lag":                    {[]change{{2, behind(5000)}, {3, behind(5000)}}, "etcd1"},
		"one is corrupt":                        {[]change{{2, corrupt}}, "etcd3"},
		"a follower is silent and one lags":     {[]change{{2, silent}, {3, behind(2000)}}, "etcd1"},
		"the leader is corrupt, and others lag": {[]change{{1, corrupt}, {2, behind(2000)}, {3, behind(2000)}}, ""},
		"nobody answers":                        {[]change{{1, silent}, {2, silent}, {3, silent}, {4, silent}}, ""},
		"without a quorum one knows more": {
			[]change{{1, silent}, {2, noLeader}, {3, noLeader}, {3, func(e *member.Endpoint) { e.Revision++ }}, {4, silent}}, "etcd3",
		},
		"without a quorum a voter is as good as a learner": {[]change{{1, silent}, {2, silent}, {3, noLeader}, {4, noLeader}}, "etcd3"},
	}
	for name, test := range tests {
		v := three()
		for _, c := range test.changes {
			c.what(&v.Endpoints[c.of-1])
		}
		got, err := backup.Choose(v)
		if got != test.want || (test.want == "") != errors.Is(err, backup.ErrNobody) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, test.want)
		}
	}
}

package member_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/member"
)

// steady is a cluster of this many members, well and led by the first; change
// makes another of it.
func steady(n int, change func(*member.View)) member.View {
	var v member.View
	for i := range n {
		name := "etcd" + string(rune('1'+i))
		id := member.ID(i + 1)
		v.Members = append(v.Members, member.Member{ID: id, Name: name, PeerURLs: []string{"http://" + name + ":2380"}})
		v.Endpoints = append(v.Endpoints, member.Endpoint{
			Name: name, Cluster: 9, ID: id, Leader: 1, Term: 2, Index: 100, Applied: 100,
			Version: "3.7.3", ClusterVersion: "3.7.0", StorageVersion: "3.7.0", Latency: time.Millisecond,
		})
	}
	if change != nil {
		change(&v)
	}
	return v
}

// away has members refuse connections.
func away(names ...string) func(*member.View) {
	return func(v *member.View) {
		for i, e := range v.Endpoints {
			for _, name := range names {
				if e.Name == name {
					v.Endpoints[i] = member.Endpoint{Name: name, Trouble: member.Refused, Details: "connection refused"}
				}
			}
		}
	}
}

// leaderless has those that answer know of no leader.
func leaderless(v *member.View) {
	for i := range v.Endpoints {
		if e := &v.Endpoints[i]; e.Answers() {
			e.Leader, e.Read, e.ReadDetails = 0, member.NoLeader, "it knows of no leader"
		}
	}
}

func TestUnsteadyNamesEveryReason(t *testing.T) {
	tests := map[string]struct {
		view member.View
		want []string
	}{
		"well":        {steady(3, nil), nil},
		"one alone":   {steady(1, nil), nil},
		"one away":    {steady(3, away("etcd2")), []string{"etcd2 does not answer: connection refused"}},
		"leader away": {steady(3, away("etcd1")), []string{"etcd1 does not answer: connection refused"}},
		"no quorum": {
			steady(3, func(v *member.View) { away("etcd1", "etcd2")(v); leaderless(v) }),
			[]string{
				"no leader that all members agree on",
				"etcd1 does not answer: connection refused", "etcd2 does not answer: connection refused",
				"etcd3 does not serve: it knows of no leader",
			},
		},
		"two leaders": {
			steady(3, func(v *member.View) { v.Endpoints[2].Leader = 2 }),
			[]string{"no leader that all members agree on"},
		},
		"behind":   {steady(3, func(v *member.View) { v.Endpoints[1].Applied = 93 }), []string{"etcd2 is 7 raft entries behind"}},
		"ahead":    {steady(3, func(v *member.View) { v.Endpoints[1].Index, v.Endpoints[1].Applied = 104, 104 }), nil},
		"clusters": {steady(3, func(v *member.View) { v.Endpoints[1].Cluster = 8 }), []string{"2 clusters answer instead of one"}},
		"learner": {
			steady(3, func(v *member.View) {
				v.Members[2].Learner, v.Endpoints[2].Learner, v.Endpoints[2].Read = true, true, member.IsLearner
			}),
			[]string{"etcd3 has no vote yet"},
		},
		"added, not started": {
			steady(3, func(v *member.View) { v.Members[2].Name = ""; away("etcd3")(v) }),
			[]string{"3 has never started"},
		},
		"to be added": {
			steady(3, func(v *member.View) { v.Members = v.Members[:2]; away("etcd3")(v) }),
			nil,
		},
		"removed and running": {
			steady(3, func(v *member.View) { v.Members = v.Members[:2] }),
			[]string{"etcd3 answers and is no member: it was removed, or its data is another's"},
		},
		"alarm": {
			steady(3, func(v *member.View) {
				for i := range v.Endpoints {
					v.Endpoints[i].Alarms = []member.Alarm{{Member: 2, Kind: member.NoSpace}}
				}
			}),
			[]string{"etcd2 has raised the alarm NOSPACE"},
		},
		"error": {
			steady(3, func(v *member.View) { v.Endpoints[0].Errors = []string{"something"} }),
			[]string{"etcd1 says: something"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, r := range test.view.Unsteady() {
				got = append(got, r.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" || test.view.Steady() != (len(test.want) == 0) {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLeaderIsTheOneThatAllAgreeOn(t *testing.T) {
	tests := map[string]struct {
		view member.View
		want string
	}{
		"all":                  {steady(3, nil), "etcd1"},
		"away itself":          {steady(3, away("etcd1")), "etcd1"},
		"disagreement":         {steady(3, func(v *member.View) { v.Endpoints[1].Leader = 2 }), ""},
		"one does not know":    {steady(3, func(v *member.View) { v.Endpoints[1].Leader = 0 }), ""},
		"nobody answers":       {steady(1, away("etcd1")), ""},
		"a stranger disagrees": {steady(3, func(v *member.View) { v.Members = v.Members[:2]; v.Endpoints[2].Leader = 3 }), "etcd1"},
		"members not known":    {steady(3, func(v *member.View) { v.Members = nil }), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			leader, ok := test.view.Leader()
			if leader.Name != test.want || ok != (test.want != "") {
				t.Errorf("leader %q, %v; want %q", leader.Name, ok, test.want)
			}
		})
	}
}

func TestAQuorumDecidesWhoCanBeMissed(t *testing.T) {
	learner := func(v *member.View) {
		last := len(v.Members) - 1
		v.Members[last].Learner, v.Endpoints[last].Learner, v.Endpoints[last].Read = true, true, member.IsLearner
	}
	tests := map[string]struct {
		view               member.View
		name               string
		canLose, canRemove bool
	}{
		"one of one":                   {steady(1, nil), "etcd1", false, false},
		"one of two":                   {steady(2, nil), "etcd2", false, true},
		"the away one of two":          {steady(2, func(v *member.View) { away("etcd2")(v); leaderless(v) }), "etcd2", false, false},
		"one of three":                 {steady(3, nil), "etcd2", true, true},
		"the away one of three":        {steady(3, away("etcd3")), "etcd3", true, true},
		"another of three":             {steady(3, away("etcd3")), "etcd2", false, false},
		"one of four":                  {steady(4, nil), "etcd2", true, true},
		"one of four with one away":    {steady(4, away("etcd4")), "etcd2", false, true},
		"one of five with one away":    {steady(5, away("etcd4")), "etcd2", true, true},
		"one of five with two away":    {steady(5, away("etcd4", "etcd5")), "etcd2", false, false},
		"a learner beside one":         {steady(2, learner), "etcd2", true, true},
		"the voter beside a learner":   {steady(2, learner), "etcd1", false, false},
		"one of three with a learner":  {steady(4, learner), "etcd2", true, true},
		"nobody":                       {steady(3, nil), "etcd9", true, true},
		"one in two clusters":          {steady(3, func(v *member.View) { v.Endpoints[2].Cluster = 8 }), "etcd3", false, false},
		"one beside an unwell one":     {steady(3, func(v *member.View) { v.Endpoints[1].Read = member.NoLeader }), "etcd3", false, false},
		"an unnamed one by its answer": {steady(3, func(v *member.View) { v.Members[2].Name = "" }), "etcd3", true, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if lose, remove := test.view.CanLose(test.name), test.view.CanRemove(test.name); lose != test.canLose || remove != test.canRemove {
				t.Errorf("can lose %s: %v, can remove it: %v; want %v, %v", test.name, lose, remove, test.canLose, test.canRemove)
			}
		})
	}
}

func TestFollowersAreTheFittestFirst(t *testing.T) {
	v := steady(5, func(v *member.View) {
		v.Endpoints[1].Applied = 50
		v.Endpoints[2].Latency = time.Second
		v.Endpoints[4].Read = member.NoLeader
	})
	var got []string
	for _, e := range v.Followers() {
		got = append(got, e.Name)
	}
	if diff := cmp.Diff([]string{"etcd4", "etcd3", "etcd2"}, got); diff != "" {
		t.Errorf("followers (-want +got):\n%s", diff)
	}
}

func TestBehindIsCountedFromTheLeader(t *testing.T) {
	v := steady(3, func(v *member.View) {
		v.Endpoints[1].Applied = 40
		away("etcd3")(v)
	})
	if n, known := v.Behind("etcd2"); n != 60 || !known {
		t.Errorf("behind by %d, %v; want 60", n, known)
	}
	if _, known := v.Behind("etcd3"); known {
		t.Error("it is known of a member that does not answer")
	}
	away("etcd1")(&v)
	if n, _ := v.Behind("etcd2"); n != 60 {
		t.Errorf("without the leader's answer behind by %d; want 60, by what it knows itself", n)
	}
}

func TestMembersAreFoundByWhatIsKnownOfThem(t *testing.T) {
	v := steady(3, func(v *member.View) { v.Members[2].Name = "" })
	for name, want := range map[string]member.ID{"etcd1": 1, "etcd3": 3} {
		if m, ok := v.Member(name); !ok || m.ID != want {
			t.Errorf("%s is %v, %v; want %v", name, m.ID, ok, want)
		}
	}
	if m, ok := v.ByPeerURL("http://etcd3:2380"); !ok || m.ID != 3 || m.Started() || m.String() != "3" {
		t.Errorf("by its peer URL it is %v, %v", m, ok)
	}
	if _, ok := v.Member("etcd9"); ok || v.Serving("etcd9") || v.NameOf(255) != "ff" {
		t.Error("etcd9 is known")
	}
}

// Where the network is parted two may say that they lead.
func TestOfTwoLeadersTheLastElectedLeads(t *testing.T) {
	v := member.View{Endpoints: []member.Endpoint{
		{Name: "etcd1", ID: 1, Leader: 1, Term: 4},
		{Name: "etcd2", ID: 2, Leader: 2, Term: 7},
		{Name: "etcd3", ID: 3, Leader: 2, Term: 7},
		{Name: "etcd4", ID: 4, Leader: 4, Term: 9, Trouble: member.Silent},
	}}
	if e, ok := v.Elected(); !ok || e.Name != "etcd2" {
		t.Errorf("%s leads, %t", e.Name, ok)
	}
	if _, ok := (member.View{Endpoints: v.Endpoints[2:3]}).Elected(); ok {
		t.Error("somebody leads who does not answer")
	}
}

// What is waited for moves as long as a member that lacks something comes further than
// it ever was: neither what the others do counts, nor that it starts again.
func TestPaceGoesByThoseThatAreNotInStep(t *testing.T) {
	behind := func(applied uint64) member.View {
		return steady(3, func(v *member.View) { v.Endpoints[1].Applied = applied })
	}
	var p member.Pace
	for i, look := range []struct {
		view  member.View
		moved bool
	}{
		{steady(3, away("etcd2")), true}, // the others answer
		{steady(3, away("etcd2")), false},
		{behind(10), true},
		{behind(10), false},
		{behind(11), true},
		{steady(3, away("etcd2")), false},
		{behind(9), false}, // it was further
		{steady(3, func(v *member.View) {
			v.Endpoints[0].Index, v.Endpoints[0].Applied, v.Endpoints[1].Applied = 200, 200, 11
		}), false},
		{steady(3, func(v *member.View) { v.Endpoints[1].Applied, v.Endpoints[1].DBSize = 11, 1<<30 }), true},
	} {
		if moved := p.Moved(look.view); moved != look.moved {
			t.Errorf("look %d: moved is %v", i+1, moved)
		}
	}
}

package member_test

import (
	"testing"

	"github.com/etcdctr/etcdctr/member"
)

func TestTheMemberIsKnownFromWhatAnswersForIt(t *testing.T) {
	one := []member.Member{{ID: 0x11, Name: "etcd1"}, {ID: 0x12, Name: "etcd2"}}
	tests := map[string]struct {
		members []member.Member
		id      member.ID
		want    bool
	}{
		"the member":              {one, 0x11, true},
		"another, by a gateway":   {one, 0x12, false},
		"one that nobody counts":  {one, 0x13, false},
		"a proxy, by its ID of 0": {[]member.Member{{Name: "proxy"}}, 0x11, false},
		"nobody says who counts":  {nil, 0x11, true},
	}
	for name, test := range tests {
		e := member.Endpoint{Name: "etcd1", ID: test.id}
		if got := (member.View{Members: test.members, Endpoints: []member.Endpoint{e}}).IsMember(e); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
}

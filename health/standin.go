package health

import (
	"errors"
	"slices"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
)

// What speaks etcd's API and is no member has no ID: 0 stands for nobody in raft.
// kine's status is without one, and the list of members that etcd's grpc-proxy makes up
// is, while its status is that of whichever member it asked.
var (
	errNoMember = errors.New("what answers in its place is no member of etcd, and has no ID, as kine has none: give the address of an etcd")
	errProxy    = errors.New("an etcd grpc-proxy answers in its place, for whichever member it likes: give the member's own address")
)

// standIn is why what answered is no member; nil if it is one.
func standIn(a *answer) error {
	switch {
	case a.status.Header.GetMemberId() == 0:
		return errNoMember
	case slices.ContainsFunc(a.members, func(m *etcdserverpb.Member) bool { return m.ID == 0 }):
		return errProxy
	}
	return nil
}

package member_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/etcdctr/etcdctr/member"
)

// kine answers the question for its status like this.
type noMember struct {
	etcdserverpb.UnimplementedMaintenanceServer
}

func (noMember) Status(context.Context, *etcdserverpb.StatusRequest) (*etcdserverpb.StatusResponse, error) {
	return &etcdserverpb.StatusResponse{Header: &etcdserverpb.ResponseHeader{}, Version: "3.5.13"}, nil
}

func TestWhatHasNoIDIsNoMember(t *testing.T) {
	client := standIn(t, func(s *grpc.Server) { etcdserverpb.RegisterMaintenanceServer(s, noMember{}) })
	view, err := client.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e := view.Endpoint("etcd1"); e.Answers() || e.Trouble != member.Other {
		t.Errorf("it answers %t, trouble %q; want false and %q", e.Answers(), e.Trouble, member.Other)
	}
}

// standIn is a client of one member that something else stands in for.
func standIn(t *testing.T, register func(*grpc.Server)) *member.Client {
	t.Helper()
	return patientStandIn(t, member.Patience{}, register)
}

func patientStandIn(t *testing.T, patience member.Patience, register func(*grpc.Server)) *member.Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	register(server)
	go func() { _ = server.Serve(listener) }() // until it is stopped
	t.Cleanup(server.Stop)
	client, err := member.New(member.Config{URLs: map[string]string{"etcd1": "http://" + listener.Addr().String()}, Patience: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// busy leads, and is in time only once it was asked some times.
type busy struct {
	etcdserverpb.UnimplementedMaintenanceServer
	etcdserverpb.UnimplementedKVServer
	late  int
	asked atomic.Int64
}

func (*busy) Range(context.Context, *etcdserverpb.RangeRequest) (*etcdserverpb.RangeResponse, error) {
	return &etcdserverpb.RangeResponse{Header: &etcdserverpb.ResponseHeader{}}, nil
}

func (*busy) Status(context.Context, *etcdserverpb.StatusRequest) (*etcdserverpb.StatusResponse, error) {
	return &etcdserverpb.StatusResponse{Header: &etcdserverpb.ResponseHeader{MemberId: 1, ClusterId: 1}, Leader: 1, Version: "3.6.16"}, nil
}

func (b *busy) Downgrade(context.Context, *etcdserverpb.DowngradeRequest) (*etcdserverpb.DowngradeResponse, error) {
	if b.asked.Add(1) <= int64(b.late) {
		return nil, rpctypes.ErrGRPCTimeout
	}
	return &etcdserverpb.DowngradeResponse{}, nil
}

// Right after members came down from a later release etcd is not in time for this.
func TestADowngradeIsAskedForAgainWhereEtcdWasNotInTime(t *testing.T) {
	for name, call := range map[string]func(*member.Client) error{
		"enable": func(c *member.Client) error { return c.EnableDowngrade(t.Context(), "3.5") },
		"cancel": func(c *member.Client) error { return c.CancelDowngrade(t.Context()) },
	} {
		b := &busy{late: 2}
		client := standIn(t, func(s *grpc.Server) {
			etcdserverpb.RegisterMaintenanceServer(s, b)
			etcdserverpb.RegisterKVServer(s, b)
		})
		if err := call(client); err != nil || b.asked.Load() != 3 {
			t.Errorf("%s: asked %d times: %v", name, b.asked.Load(), err)
		}
	}
}

// apart leads a cluster, such as of voters that lose each other again and again: it adds
// nobody until it was asked some times.
type apart struct {
	busy
	etcdserverpb.UnimplementedClusterServer
	refusal  error
	learners atomic.Int64
}

func (a *apart) MemberList(context.Context, *etcdserverpb.MemberListRequest) (*etcdserverpb.MemberListResponse, error) {
	list := []*etcdserverpb.Member{{ID: 1, Name: "etcd1", PeerURLs: []string{"http://127.0.0.1:2380"}}}
	if a.learners.Load() > 0 {
		list = append(list, &etcdserverpb.Member{ID: 2, PeerURLs: []string{"http://127.0.0.1:1"}, IsLearner: true})
	}
	return &etcdserverpb.MemberListResponse{Header: &etcdserverpb.ResponseHeader{}, Members: list}, nil
}

func (a *apart) MemberAdd(context.Context, *etcdserverpb.MemberAddRequest) (*etcdserverpb.MemberAddResponse, error) {
	if a.asked.Add(1) <= int64(a.late) {
		return nil, a.refusal
	}
	a.learners.Add(1)
	return &etcdserverpb.MemberAddResponse{Header: &etcdserverpb.ResponseHeader{}, Member: &etcdserverpb.Member{ID: 2}}, nil
}

// What one change may take is over long before etcd takes it.
func TestALearnerIsAddedOnceAllVotersStayConnected(t *testing.T) {
	a := &apart{busy: busy{late: 4}, refusal: rpctypes.ErrGRPCUnhealthy}
	wantAdded(t, a, member.Patience{Change: time.Nanosecond})
}

// In the second in which a member of the same URL was added, and removed, etcd takes who is
// added for that one.
func TestALearnerIsAddedInTheNextSecondWhereOneOfItsURLWasRemoved(t *testing.T) {
	wantAdded(t, &apart{busy: busy{late: 2}, refusal: rpctypes.ErrGRPCMemberNotFound}, member.Patience{})
}

// wantAdded wants a learner to be added the first time that it is not refused.
func wantAdded(t *testing.T, a *apart, patience member.Patience) {
	t.Helper()
	client := patientStandIn(t, patience, func(s *grpc.Server) {
		etcdserverpb.RegisterMaintenanceServer(s, a)
		etcdserverpb.RegisterKVServer(s, a)
		etcdserverpb.RegisterClusterServer(s, a)
	})
	added, err := client.AddLearner(t.Context(), "http://127.0.0.1:1")
	if err != nil || added.ID != 2 || a.asked.Load() != int64(a.late)+1 {
		t.Errorf("asked %d times, added %+v: %v", a.asked.Load(), added, err)
	}
}

// torn has a trouble once, and thinks until it is not waited for any more the next time.
type torn struct {
	etcdserverpb.UnimplementedKVServer
	asked  atomic.Int64
	giveUp func()
}

func (s *torn) Range(ctx context.Context, _ *etcdserverpb.RangeRequest) (*etcdserverpb.RangeResponse, error) {
	if s.asked.Add(1) == 1 {
		return nil, status.Error(codes.Internal, "the trouble")
	}
	s.giveUp()
	<-ctx.Done()
	return nil, ctx.Err()
}

// That somebody has given up waiting is not why a member does not serve.
func TestAWaitThatIsGivenUpTellsWhatTheMemberLacked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client := standIn(t, func(s *grpc.Server) { etcdserverpb.RegisterKVServer(s, &torn{giveUp: cancel}) })
	if err := client.WaitServing(ctx, "etcd1"); err == nil || !strings.Contains(err.Error(), "the trouble") {
		t.Errorf("it says: %v", err)
	}
}

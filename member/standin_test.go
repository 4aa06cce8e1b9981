package member_test

import (
	"context"
	"net"
	"testing"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"

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
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	etcdserverpb.RegisterMaintenanceServer(server, noMember{})
	go func() { _ = server.Serve(listener) }() // until it is stopped
	t.Cleanup(server.Stop)
	client, err := member.New(member.Config{URLs: map[string]string{"etcd1": "http://" + listener.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })

	view, err := client.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e := view.Endpoint("etcd1"); e.Answers() || e.Trouble != member.Other {
		t.Errorf("it answers %t, trouble %q; want false and %q", e.Answers(), e.Trouble, member.Other)
	}
}

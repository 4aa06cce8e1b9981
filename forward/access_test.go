package forward_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/forward"
	"github.com/etcdctr/etcdctr/runtime"
)

// plainWay leads to one member without TLS.
func plainWay(open bool, done chan struct{}) *etcdctr.Connection {
	url := cluster.Setting{Name: "advertise-client-urls", Value: "http://etcd1:2379"}
	return &etcdctr.Connection{
		State: &runtime.State{Servers: []runtime.Server{{
			Name: "etcd1", Role: runtime.Member, Settings: cluster.Settings{url}, Published: []string{"127.0.0.1:32379"},
		}}},
		Way: runtime.Way{Dial: new(net.Dialer).DialContext, Open: open, Done: done},
	}
}

func TestAccessIsKeptOpenWhereMembersAreNotReachedWithout(t *testing.T) {
	lasting, err := forward.Reach(t.Context(), plainWay(true, nil), forward.Loopback, "root")
	if err != nil {
		t.Fatal(err)
	}
	defer lasting.Close()
	want := []cluster.Variable{{Name: "ETCDCTL_ENDPOINTS", Value: "http://127.0.0.1:32379"}}
	if diff := cmp.Diff(want, lasting.Variables); !lasting.Lasting || diff != "" {
		t.Errorf("lasting: %t (-want +got):\n%s", lasting.Lasting, diff)
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	first := netip.MustParseAddrPort(l.Addr().String())
	if _, err := forward.Reach(t.Context(), plainWay(false, nil), first, "root"); !errors.As(err, new(*forward.PortsError)) {
		t.Errorf("a port that is taken gives %v", err)
	}
	l.Close()
	done := make(chan struct{})
	kept, err := forward.Reach(t.Context(), plainWay(false, done), first, "root")
	if err != nil {
		t.Fatal(err)
	}
	if kept.Lasting || kept.Variables[0].Value != "http://"+first.String() {
		t.Errorf("%+v", kept)
	}
	over, end := context.WithCancel(t.Context())
	end()
	if err := kept.Wait(over); err != nil {
		t.Errorf("whoever ends it is told %v", err)
	}
	close(done)
	if err := kept.Wait(t.Context()); !errors.Is(err, forward.ErrEnded) {
		t.Errorf("it ends by itself with %v", err)
	}
	kept.Close()
	if l, err = net.Listen("tcp", first.String()); err != nil {
		t.Fatalf("its port is not given back: %v", err)
	}
	l.Close()
}

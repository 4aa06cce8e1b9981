package adopt

import (
	"context"
	"net/netip"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/api/types/network"
)

// swallows gives a port of loopback that nothing comes back from, as from an address to which
// no way leads from here: nobody accepts, and as many wait as may.
func swallows(t *testing.T) string {
	t.Helper()
	at := &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	l, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(l) })
	if err := syscall.Bind(l, at); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(l, 0); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(l)
	if err != nil {
		t.Fatal(err)
	}
	at = bound.(*syscall.SockaddrInet4)
	for range 4 {
		s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Close(s) })
		_ = syscall.Connect(s, at) // which goes on meanwhile
	}
	return strconv.Itoa(at.Port)
}

// Whoever waits for such an address until there is no time left takes it for a member that
// accepts connections and has no quorum, all of which are taken over at once.
func TestAnAddressThatLeadsNowhereIsSaidToBeOne(t *testing.T) {
	in := kv()
	in.NetworkSettings.Networks["shop"] = &network.EndpointSettings{IPAddress: netip.MustParseAddr("127.0.0.1")}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c := &Containers{Engine: oneContainer{in: in}}
	_, err := c.Dial(ctx, Member{id: in.ID}, "http://etcd1:"+swallows(t))
	if err == nil || ctx.Err() != nil {
		t.Errorf("error %v, and %v", err, ctx.Err())
	}
}

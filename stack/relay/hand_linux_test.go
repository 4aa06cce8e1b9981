package relay_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/stack/relay"
)

// The client's connection is the one that the relay has made, not one to the relay.
func TestOnOneKernelConnectionsAreHandedOver(t *testing.T) {
	client, asked := connectHanded(t, new(net.Dialer).DialContext)
	echo := serveTCP(t, echoes)
	conn := dialed(t, client, echo)
	echoed(t, conn, 1_000_000)
	if got := conn.RemoteAddr().String(); got != echo || len(asked) != 1 {
		t.Errorf("it leads to %s by way of %d questions, want %s by one", got, len(asked), echo)
	}
	if half, ok := conn.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		t.Error("it can't be ended in one direction")
	} else if _, err := io.ReadAll(conn); err != nil {
		t.Error(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

// Who is on the same machine as somebody else can't ask for connections, and nothing is
// left there of the way that was theirs.
func TestNobodyElseReachesTheHand(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	f, err := relay.NewFolder()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Dir(f.Shared()))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder is %v, %v", info.Mode(), err)
	}
	if err := f.Remove(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestAHandedConnectionEndsWithTheRelay(t *testing.T) {
	client, _ := connectHanded(t, new(net.Dialer).DialContext)
	conn := dialed(t, client, serveTCP(t, echoes))
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("it goes on: %v", err)
	}
}

func TestAHandThatCannotReachAnAddressSaysWhy(t *testing.T) {
	client, _ := connectHanded(t, new(net.Dialer).DialContext)
	_, err := client.DialContext(t.Context(), "tcp", "127.0.0.1:1")
	if want := "dial tcp 127.0.0.1:1: connect: connection refused"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waits, _ := connectHanded(t, func(ctx context.Context, _, _ string) (net.Conn, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	})
	if _, err := waits.DialContext(ctx, "tcp", "etcd1:2379"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// A connection that is none of the kernel's is carried, as is each once nobody hands any
// over.
func TestWhatIsNotHandedOverIsCarried(t *testing.T) {
	client, asked := connectHanded(t, func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go echoes(there)
		return here, nil
	})
	conn := dialed(t, client, "etcd1:2379")
	send(t, conn, []byte("x"))
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	if len(asked) != 2 {
		t.Errorf("%d questions, want one for either way", len(asked))
	}
}

// connectHanded is connectWith, with a hand, and tells which addresses were dialled.
func connectHanded(t *testing.T, dial relay.Dial) (*relay.Client, chan string) {
	t.Helper()
	asked := make(chan string, 10)
	telling := func(ctx context.Context, network, address string) (net.Conn, error) {
		asked <- address
		return dial(ctx, network, address)
	}
	f, err := relay.NewFolder()
	if err != nil {
		t.Fatal(err)
	}
	l, err := relay.Listen(f.Shared())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go relay.Hand(t.Context(), l, telling)
	client := connectWith(t, telling)
	if err := errors.Join(client.Take(f), f.Remove()); err != nil {
		t.Fatal(err)
	}
	return client, asked
}

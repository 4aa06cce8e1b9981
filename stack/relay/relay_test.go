package relay_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/stack/relay"
)

func TestManyConnectionsShareOneStream(t *testing.T) {
	client := connect(t)
	echo := serveTCP(t, echoes)

	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			sent := bytes.Repeat([]byte{byte(i)}, 100_000)
			conn, err := client.DialContext(t.Context(), "tcp", echo)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			go send(t, conn, sent)
			got := make([]byte, len(sent))
			if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("connection %d does not echo: %v", i, err)
			}
		})
	}
	all.Wait()
}

func TestAConnectionThatNobodyReadsDoesNotHoldUpTheOthers(t *testing.T) {
	client := connect(t)
	flood := serveTCP(t, func(c net.Conn) { _, _ = io.Copy(c, endless{}) })
	echo := serveTCP(t, echoes)

	if _, err := client.DialContext(t.Context(), "tcp", flood); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		conn, err := client.DialContext(t.Context(), "tcp", echo)
		if err != nil {
			t.Fatal(err)
		}
		send(t, conn, []byte("x"))
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
}

// A relay lasts as long as a cluster: what it keeps may not grow with what it has carried,
// neither over one connection that stays nor over many that come and go.
func TestNothingIsKeptOfWhatWasCarried(t *testing.T) {
	client := connect(t)
	echo := serveTCP(t, echoes)
	stays := dialed(t, client, echo)
	carry := func(times int) (kept uint64, goroutines int) {
		for range times {
			comes := dialed(t, client, echo)
			echoed(t, comes, 10_000)
			echoed(t, stays, 10_000)
			if err := comes.Close(); err != nil { // half-closes
				t.Fatal(err)
			}
			if _, err := io.ReadAll(comes); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		return memory.HeapAlloc, runtime.NumGoroutine()
	}
	before, running := carry(100)
	after, still := carry(1000)
	if grown := int64(after) - int64(before); grown > 300<<10 || still > running+10 {
		t.Errorf("20 MB more over 1,000 connections leave %d KiB and %d goroutines more", grown>>10, still-running)
	}
}

func dialed(t *testing.T, client *relay.Client, address string) net.Conn {
	t.Helper()
	conn, err := client.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func echoed(t *testing.T, conn net.Conn, bytes int) {
	t.Helper()
	go send(t, conn, make([]byte, bytes))
	if _, err := io.ReadFull(conn, make([]byte, bytes)); err != nil {
		t.Fatal(err)
	}
}

func TestAnEndInOneDirectionLeavesTheOtherOpen(t *testing.T) {
	client := connect(t)
	counting := serveTCP(t, func(c net.Conn) {
		all, _ := io.ReadAll(c) // returns when the client has sent everything
		send(t, c, bytes.ToUpper(all))
	})
	conn, err := client.DialContext(t.Context(), "tcp", counting)
	if err != nil {
		t.Fatal(err)
	}
	send(t, conn, []byte("hello"))
	if err := conn.Close(); err != nil { // half-closes
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != "HELLO" {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestAnAddressThatCannotBeReachedIsADialError(t *testing.T) {
	client := connect(t)
	_, err := client.DialContext(t.Context(), "tcp", "127.0.0.1:1")
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "dial" {
		t.Fatalf("got %#v, want a dial error", err)
	}
	if want := "dial tcp 127.0.0.1:1: connect: connection refused"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestACancelledDialReturnsAtOnce(t *testing.T) {
	client := connectWith(t, func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := client.DialContext(ctx, "tcp", "etcd1:2379"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestServeEndsWithTheStream(t *testing.T) {
	there, here := net.Pipe()
	served := make(chan error)
	go func() { served <- relay.Serve(t.Context(), there, nil) }()
	client, err := relay.NewClient(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	here.Close()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	<-client.Done()
}

func TestAnythingButARelayIsRefused(t *testing.T) {
	there, here := net.Pipe()
	go func() {
		send(t, there, []byte("error: unknown command \"relay\"\n")[:16]) // as much as anybody reads
		there.Close()
	}()
	_, err := relay.NewClient(t.Context(), here)
	if want := `no relay answers: it said "error: unknown c"`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// connect gives a client whose relay stands in this process.
func connect(t *testing.T) *relay.Client {
	t.Helper()
	return connectWith(t, new(net.Dialer).DialContext)
}

func connectWith(t *testing.T, dial relay.Dial) *relay.Client {
	t.Helper()
	there, here := net.Pipe()
	go func() {
		if err := relay.Serve(t.Context(), there, dial); err != nil {
			t.Errorf("Serve: %v", err)
		}
	}()
	client, err := relay.NewClient(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// serveTCP serves on loopback and gives its address.
func serveTCP(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return l.Addr().String()
}

func echoes(c net.Conn) { _, _ = io.Copy(c, c) }

func send(t *testing.T, to io.Writer, data []byte) {
	t.Helper()
	if _, err := to.Write(data); err != nil {
		t.Error(err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

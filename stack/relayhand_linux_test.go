package stack

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"testing"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/stack/relay"
)

// relaying is an engine whose relays are goroutines of this process.
type relaying struct {
	*fakeEngine
	mounts func(source string) error // of a folder

	folder string // of the one that is there
	here   net.Conn
}

func (e *relaying) ContainerCreate(_ context.Context, o client.ContainerCreateOptions) (client.ContainerCreateResult, error) {
	e.folder = ""
	for _, m := range o.HostConfig.Mounts {
		if err := e.mounts(m.Source); err != nil {
			return client.ContainerCreateResult{}, err
		}
		e.folder = m.Source
	}
	return client.ContainerCreateResult{ID: "relay"}, nil
}

func (e *relaying) ContainerAttach(context.Context, string, client.ContainerAttachOptions) (client.ContainerAttachResult, error) {
	there, here := net.Pipe()
	e.here = here
	return client.ContainerAttachResult{HijackedResponse: client.HijackedResponse{Conn: there, Reader: bufio.NewReader(there)}}, nil
}

func (e *relaying) ContainerStart(ctx context.Context, _ string, _ client.ContainerStartOptions) (r client.ContainerStartResult, err error) {
	dial := new(net.Dialer).DialContext
	if e.folder != "" {
		if l, err := relay.Listen(e.folder); err == nil {
			go relay.Hand(ctx, l, dial)
			context.AfterFunc(ctx, func() { _ = l.Close() })
		}
	}
	go func() { _ = relay.Serve(ctx, standardOutput{e.here}, dial) }()
	return r, nil
}

func (e *relaying) ContainerRemove(context.Context, string, client.ContainerRemoveOptions) (r client.ContainerRemoveResult, err error) {
	return r, e.here.Close()
}

// standardOutput has what is written look as an engine shows it.
type standardOutput struct{ net.Conn }

func (s standardOutput) Write(p []byte) (int, error) {
	head := binary.BigEndian.AppendUint32([]byte{1, 0, 0, 0}, uint32(len(p)))
	n, err := s.Conn.Write(append(head, p...))
	return max(0, n-len(head)), err
}

func TestARelayOfThisMachineHandsConnectionsOver(t *testing.T) {
	echo := echoing(t)
	for name, tt := range map[string]struct {
		sees, handed bool
		mounts       func(string) error
	}{
		"it sees files":                      {true, true, func(string) error { return nil }},
		"it is elsewhere":                    {false, false, func(string) error { return errors.New("there is nothing to be mounted") }},
		"it has temporary files of its own":  {true, false, func(string) error { return errors.New("bind source path does not exist") }},
		"something keeps it from the folder": {true, false, func(source string) error { return os.Mkdir(source+"/hand", 0o700) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", shortTempDir(t))
			e := &relaying{fakeEngine: newFakeEngine(), mounts: tt.mounts}
			tunnel, err := OpenRelay(t.Context(), e, "p_cluster", "n", TunnelOptions{
				Project: "p", RelayCommand: []string{"relay"},
				RelayImage: func(context.Context) (string, error) { return "image", nil },
				SeesFiles:  func(context.Context) (bool, error) { return tt.sees, nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			conn, err := tunnel.DialContext(t.Context(), "tcp", echo)
			if err != nil {
				t.Fatal(err)
			}
			greet(t, conn)
			if handed := conn.RemoteAddr().String() == echo; handed != tt.handed {
				t.Errorf("handed over: %t, want %t", handed, tt.handed)
			}
			if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
				t.Errorf("%v is left, %v", left, err)
			}
			if err := tunnel.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// echoing gives an address where what is said comes back.
func echoing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	return l.Addr().String()
}

// greet has a greeting come back.
func greet(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := io.WriteString(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	heard := make([]byte, len("hello"))
	if _, err := io.ReadFull(conn, heard); err != nil || string(heard) != "hello" {
		t.Errorf("it says %q, %v", heard, err)
	}
}

// shortTempDir is for sockets: their names have no more than 107 characters.
func shortTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "r") //nolint:usetesting // its folders bear the test's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

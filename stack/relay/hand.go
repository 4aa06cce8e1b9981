package relay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/etcdctr/etcdctr/internal/scratch"
)

// Where both sides are processes of one kernel, connections need not be carried. The relay
// dials, and hands the connection itself over, by a socket in a folder that both see:
//
//	application ──▶ Client ◀─ the connection ─ Hand
//	                  └──────────────────────────────▶ address in the network
//
// For each connection the client connects to that socket and says the address, as it does
// on a stream; with the answer comes the connection. The stream stays what tells either
// side of the other's end, and carries what can't be handed over.

// socketName is the socket's, in the folder.
const socketName = "hand"

// Folder is where a relay's socket is to be. Nobody but who has made it and root reach
// into it, and the relay, which it is mounted for.
type Folder struct {
	private string
	remove  func() error
}

// NewFolder makes a folder, which has to be removed.
func NewFolder() (*Folder, error) {
	private, remove, err := scratch.Make("", "etcdctr-relay")
	if err != nil {
		return nil, err
	}
	f := &Folder{private, remove}
	// Whoever the relay runs as, it is somebody else.
	if err := errors.Join(os.Mkdir(f.Shared(), 0o700), os.Chmod(f.Shared(), 0o777)); err != nil {
		return nil, errors.Join(err, f.Remove())
	}
	return f, nil
}

// Shared is the part of it that the relay gets to see.
func (f *Folder) Shared() string { return filepath.Join(f.private, "shared") }

// Remove removes the folder. What is open of it stays.
func (f *Folder) Remove() error { return f.remove() }

// Listen listens in a folder as the relay sees it, for Hand.
func Listen(shared string) (*net.UnixListener, error) {
	name := filepath.Join(shared, socketName)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: name})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(name, 0o666); err != nil { // for the client, which is somebody else here
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Hand dials for whoever connects to the listener, and hands the connections over, until
// the listener is closed.
func Hand(ctx context.Context, l *net.UnixListener, dial Dial) {
	for {
		asks, err := l.AcceptUnix()
		if err != nil {
			return
		}
		go hand(ctx, asks, dial)
	}
}

// hand ends without an answer where there is no connection that could be handed over.
func hand(ctx context.Context, asks *net.UnixConn, dial Dial) {
	defer asks.Close()
	address, err := readText(asks)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	there, err := dial(ctx, "tcp", address)
	if err != nil {
		_ = writeText(asks, reason(err)) // the client that does not hear it is gone
		return
	}
	defer there.Close()
	_ = give(asks, there)
}

// errNotHanded is the error of a connection that has to be carried.
var errNotHanded = errors.New("the relay hands no connection over")

// taker takes connections that Hand hands over.
type taker struct{ socket *os.File }

// Take has the client ask for connections from now on by way of the folder's socket, which
// is not looked up there again.
func (c *Client) Take(f *Folder) error {
	socket, err := openSocket(filepath.Join(f.Shared(), socketName))
	if err != nil {
		return err
	}
	c.takes = &taker{socket}
	return nil
}

// take asks for a connection, which may not be handed over.
func (c *Client) take(ctx context.Context, address string) (net.Conn, error) {
	if c.takes == nil {
		return nil, errNotHanded
	}
	conn, err := c.takes.dial(ctx, address)
	if err != nil {
		return nil, err
	}
	return &handed{conn, context.AfterFunc(c.over, func() { _ = conn.Close() })}, nil
}

// dial gives errNotHanded, or why the address is not reached.
func (t *taker) dial(ctx context.Context, address string) (*net.TCPConn, error) {
	asks, err := new(net.Dialer).DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d", t.socket.Fd()))
	if err != nil {
		return nil, errNotHanded
	}
	defer asks.Close()
	defer context.AfterFunc(ctx, func() { asks.Close() })()
	if err := writeText(asks, address); err != nil {
		return nil, errNotHanded
	}
	return take(asks.(*net.UnixConn))
}

// handed is a connection that was handed over. It ends with the relay, as one that is
// carried does.
type handed struct {
	*net.TCPConn
	outlives func() bool // the relay, from now on
}

func (h *handed) Close() error {
	h.outlives()
	return h.TCPConn.Close()
}

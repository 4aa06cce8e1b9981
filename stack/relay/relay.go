// Package relay carries many connections over one stream of bytes.
//
// One side stands in a network that the other side has no way into. The stream
// between them is all there is: the standard streams of a container, say, which
// the Docker API attaches to from anywhere.
//
//	application ──▶ Client ══ one stream ══▶ Serve ──▶ address in the network
//
// The connections are multiplexed by yamux, each with flow control of its own,
// so that one that nobody reads from does not hold up the others. A connection
// begins with the address to dial; the answer is an empty text, or why the
// address could not be reached. Both are preceded by their length in two bytes,
// big endian. After that it carries whatever the two ends send: TLS stays
// between them.
package relay

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/hashicorp/yamux"

	"github.com/etcdctr/etcdctr/internal/splice"
)

// greeting is the first thing that Serve sends: it tells a client that it talks
// to a relay, and that the relay is up.
const greeting = "etcdctr relay 1\n"

// dialTimeout is how long Serve tries to reach an address: a name that does
// not resolve takes Docker's DNS up to five seconds to deny.
const dialTimeout = 10 * time.Second

// configuration is yamux's own but for two values.
func configuration() *yamux.Config {
	c := yamux.DefaultConfig()
	// What may be under way on a connection. With yamux's 256 KiB, a link with
	// a round trip of 50 ms would carry 5 MiB/s, whatever its bandwidth.
	c.MaxStreamWindowSize = 4 << 20
	// Of what it logs, all that matters comes back as an error too.
	c.LogOutput = io.Discard
	return c
}

// writeText and readText are the form of what is said before the bytes of a
// connection.
func writeText(w io.Writer, text string) error {
	text = text[:min(len(text), 1<<16-1)]
	_, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(text))), text...))
	return err
}

func readText(r io.Reader) (string, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return "", err
	}
	text := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(r, text)
	return string(text), err
}

// Dial opens connections, as net.Dialer's DialContext does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Serve dials for the client at the other end of stream until the stream ends,
// ctx is done or the client is gone. That is how a relay should end, and no
// error.
func Serve(ctx context.Context, stream io.ReadWriteCloser, dial Dial) error {
	if _, err := io.WriteString(stream, greeting); err != nil {
		return fmt.Errorf("greet the client: %w", err)
	}
	session, err := yamux.Server(&frames{ReadWriteCloser: stream}, configuration())
	if err != nil {
		return err
	}
	defer session.Close()
	defer context.AfterFunc(ctx, func() { session.Close() })()
	for {
		conn, err := session.AcceptStream()
		if err != nil {
			return nil //nolint:nilerr // the session is over, one way or the other
		}
		go serve(ctx, conn, dial)
	}
}

// serve connects one of the client's connections with the address it asks for.
func serve(ctx context.Context, conn net.Conn, dial Dial) {
	defer conn.Close()
	address, err := readText(conn)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	there, err := dial(ctx, "tcp", address)
	if err != nil {
		_ = writeText(conn, reason(err)) // the client that does not hear it is gone
		return
	}
	defer there.Close()
	if writeText(conn, "") == nil {
		splice.Join(conn, there)
	}
}

// refused is the reason that tells that somebody is there, and not listening: the
// client gives it its type again.
const refused = "connection refused"

// reason is an error without what the client knows itself: what was dialled.
func reason(err error) string {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return refused
	}
	if op, ok := err.(*net.OpError); ok && op.Err != nil { //nolint:errorlint // only the outermost one
		return op.Err.Error()
	}
	return err.Error()
}

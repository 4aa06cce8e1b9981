package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/hashicorp/yamux"
)

// Client is the side that asks for connections.
type Client struct {
	session *yamux.Session
	takes   *taker          // nil where connections are carried
	over    context.Context // ends with the session
}

// NewClient waits until Serve greets at the other end of stream. Cancelling ctx
// ends the wait, by closing the stream, and has no effect later.
func NewClient(ctx context.Context, stream io.ReadWriteCloser) (*Client, error) {
	stop := context.AfterFunc(ctx, func() { stream.Close() })
	heard := make([]byte, len(greeting))
	n, err := io.ReadFull(stream, heard)
	if !stop() {
		return nil, ctx.Err()
	}
	if err != nil || string(heard) != greeting {
		return nil, fmt.Errorf("no relay answers: %w", errors.Join(err, notGreeting(heard[:n])))
	}
	session, err := yamux.Client(&frames{ReadWriteCloser: stream}, configuration())
	if err != nil {
		return nil, err
	}
	over, end := context.WithCancel(context.Background())
	go func() {
		<-session.CloseChan()
		end()
	}()
	return &Client{session: session, over: over}, nil
}

func notGreeting(heard []byte) error {
	if len(heard) == 0 {
		return nil
	}
	return fmt.Errorf("it said %q", heard)
}

// DialContext connects to an address in the relay's network. Names are
// resolved there. Only TCP is relayed.
func (c *Client) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.take(ctx, address)
	if errors.Is(err, errNotHanded) {
		conn, err = c.open(ctx, address)
	}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: textAddr{network, address}, Err: err}
	}
	return conn, nil
}

func (c *Client) open(ctx context.Context, address string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	stream, err := c.session.OpenStream()
	if err != nil {
		return nil, err
	}
	// A deadline in the past wakes whoever waits.
	stop := context.AfterFunc(ctx, func() { _ = stream.SetDeadline(time.Unix(1, 0)) })
	err = ask(stream, address)
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		_ = stream.Close() // of no use any more
		return nil, err
	}
	return stream, nil
}

func ask(stream net.Conn, address string) error {
	if err := writeText(stream, address); err != nil {
		return err
	}
	refusal, err := readText(stream)
	if err != nil || refusal == "" {
		return err
	}
	return refusedBy(refusal)
}

// refusedBy is the error of a reason.
func refusedBy(reason string) error {
	if reason == refused {
		return os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	return errors.New(reason)
}

// Done is closed when the stream has ended and with it all connections.
func (c *Client) Done() <-chan struct{} { return c.session.CloseChan() }

// Close ends all connections and the stream.
func (c *Client) Close() error {
	err := c.session.Close()
	if c.takes != nil {
		err = errors.Join(err, c.takes.socket.Close())
	}
	return err
}

type textAddr struct{ network, address string }

func (a textAddr) Network() string { return a.network }
func (a textAddr) String() string  { return a.address }

package forward

import (
	"context"
	"errors"
	"net/netip"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
)

// Access is how clients on this machine reach members, until Close.
type Access struct {
	// Variables are what they need in their environment: see the function of this name.
	Variables []cluster.Variable
	// Lasting says that nothing is kept open for it: members are reached as they are.
	Lasting bool

	ports *Ports // nil where it is Lasting
	ended <-chan struct{}
}

// PortsError is the error of ports that can't be opened.
type PortsError struct{ Err error }

func (e *PortsError) Error() string { return e.Err.Error() }

func (e *PortsError) Unwrap() error { return e.Err }

// ErrEnded is the error of an Access that has ended by itself.
var ErrEnded = errors.New("the relay has ended: was the engine or the cluster stopped?")

// Reach gives access to members by the certificates of a client, see Variables: with ports
// as Open opens them, from first on, where they are not reached without. Its error may be a
// *PortsError.
func Reach(ctx context.Context, way *etcdctr.Connection, first netip.AddrPort, client string) (*Access, error) {
	a := &Access{Lasting: way.Way.Open, ended: way.Way.Done}
	urls := OpenURLs(way)
	if !a.Lasting {
		var err error
		if a.ports, err = Open(ctx, way, first); err != nil {
			return nil, &PortsError{err}
		}
		urls = a.ports.URLs()
	}
	var err error
	if a.Variables, err = Variables(way.TLSMode(), urls, certs.ClientDir(way.CertsDir, client)); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// Wait returns once ctx ends, which is no error, or with ErrEnded before.
func (a *Access) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-a.ended:
		return ErrEnded
	}
}

// Close ends it, but for connections that are made.
func (a *Access) Close() {
	if a.ports != nil {
		a.ports.Close()
	}
}

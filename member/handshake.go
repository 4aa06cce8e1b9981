package member

import (
	"context"
	"crypto/tls"
	"net"

	"google.golang.org/grpc/credentials"
)

// renewable are the credentials of a connection that may outlive its certificate, and whom
// it trusts: gRPC connects again by itself, and each time they are what read gives then.
type renewable struct {
	credentials.TransportCredentials
	read func() (*tls.Config, error)
}

// secure is what a connection is made with that is made now.
func (c Config) secure() (*tls.Config, error) {
	if c.Renew == nil {
		return c.TLS, nil
	}
	return c.Renew()
}

func newRenewable(config *tls.Config, read func() (*tls.Config, error)) renewable {
	return renewable{credentials.NewTLS(config), read}
}

// ClientHandshake is that of credentials which are made for it alone.
func (r renewable) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	config, err := r.read()
	if err != nil {
		return nil, nil, err
	}
	return credentials.NewTLS(config).ClientHandshake(ctx, authority, raw)
}

// Clone gives the same: there is nothing in them that changes.
func (r renewable) Clone() credentials.TransportCredentials {
	return renewable{r.TransportCredentials.Clone(), r.read}
}

package discovery

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
)

// reachAny connects to one endpoint after the other, and drops the connection
// again. It is here for its errors: etcd's client retries in silence until its
// time is over, and then knows only that.
func reachAny(ctx context.Context, endpoints []string, config *tls.Config) error {
	var errs []error
	for _, e := range endpoints {
		err := reach(ctx, e, config)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// ErrNotReached is the error of an address where nobody answers from here.
var ErrNotReached = errors.New("no discovery service answers")

func reach(ctx context.Context, endpoint string, config *tls.Config) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return fmt.Errorf("%q is not the URL of a discovery service: write it as http://HOST:2379 or https://HOST:2379", endpoint)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return fmt.Errorf("%w at %s: %w", ErrNotReached, endpoint, err)
	}
	defer conn.Close()
	if u.Scheme == "http" {
		// Who answers a greeting in TLS wants to be talked to in TLS.
		stranger := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // nothing is said to it
		if stranger.HandshakeContext(ctx) == nil {
			return fmt.Errorf("the discovery service at %s speaks TLS: write https, and say by what to verify it", endpoint)
		}
		return nil
	}
	config = withName(config, u.Hostname())
	if err := tls.Client(conn, config).HandshakeContext(ctx); err != nil {
		return fmt.Errorf("cannot agree on TLS with the discovery service at %s: %w%s", endpoint, err, tlsRemedy(err))
	}
	return nil
}

func withName(config *tls.Config, host string) *tls.Config {
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config = config.Clone()
	config.ServerName = host
	return config
}

// tlsRemedy recognizes a server of plain text, which answers a TLS greeting
// with something else or, as etcd does, not at all.
func tlsRemedy(err error) string {
	if header := (tls.RecordHeaderError{}); errors.As(err, &header) || errors.Is(err, io.EOF) {
		return ": it seems to speak plain text: write http"
	}
	return ""
}

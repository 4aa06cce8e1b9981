package member

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// front is what a member's client port shows before etcd's API is spoken. Errors
// have their cause here, where the API's client only sees its time-out.
type front struct {
	trouble        Trouble
	details        string
	clusterVersion string
}

// dialError marks what went wrong before there was a connection.
type dialError struct{ error }

func (e dialError) Unwrap() error { return e.error }

// knock asks for the versions over HTTP, on a connection of its own: one that is
// still open proves nothing of who listens now.
func (c *Client) knock(ctx context.Context, address string) front {
	response, err := c.get(ctx, address+"/version")
	if err != nil {
		return c.explain(ctx, address, err)
	}
	defer response.Body.Close()
	var versions struct {
		Cluster string `json:"etcdcluster"`
	}
	if json.NewDecoder(response.Body).Decode(&versions) != nil || versions.Cluster == notDecided {
		return front{}
	}
	return front{clusterVersion: versions.Cluster}
}

// notDecided is what /version says until the members have agreed on a cluster
// version (etcdserver/api/etcdhttp, base.go in 3.5 and version.go since).
const notDecided = "not_decided"

// get asks over HTTP. The answer's body has to be closed.
func (c *Client) get(ctx context.Context, address string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	config, err := c.config.secure()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		TLSClientConfig:   config.Clone(), // which the transport completes for itself
		ForceAttemptHTTP2: true,
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := c.config.Dial(ctx, network, address)
			if err != nil {
				return nil, dialError{err}
			}
			return conn, nil
		},
	}
	return transport.RoundTrip(request)
}

// explain finds the kind of what kept a member from answering over HTTP. A port
// that speaks gRPC alone, see etcd's --listen-client-http-urls, is no trouble.
func (c *Client) explain(ctx context.Context, address string, err error) front {
	switch trouble := frontTrouble(err); {
	case trouble != Other:
		return front{trouble: trouble, details: details(trouble, err)}
	case strings.HasPrefix(address, "http:") && c.greetsInTLS(ctx, address):
		return front{trouble: Untrusted, details: "it speaks TLS: its client URL begins with https"}
	}
	return front{}
}

func frontTrouble(err error) Trouble {
	var (
		dial     dialError
		remote   *net.OpError
		verify   *tls.CertificateVerificationError
		header   tls.RecordHeaderError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
	)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.As(err, &dial):
		return Unreachable
	case errors.As(err, &verify), errors.As(err, &header), errors.As(err, &unknown),
		errors.As(err, &hostname), errors.As(err, &invalid):
		return Untrusted
	case errors.As(err, &remote) && remote.Op == "remote error": // crypto/tls's word for an alert
		return Untrusted
	case errors.Is(err, context.DeadlineExceeded):
		return Silent
	}
	return Other
}

func details(trouble Trouble, err error) string {
	if trouble == Silent {
		return "it accepts connections and does not answer: it is still looking for a quorum, or the process hangs"
	}
	return err.Error()
}

// greetsInTLS tells whether a server answers a greeting in TLS, be it by asking
// for a certificate.
func (c *Client) greetsInTLS(ctx context.Context, address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	conn, err := c.config.Dial(ctx, "tcp", u.Host)
	if err != nil {
		return false
	}
	defer conn.Close()
	var alert *net.OpError
	stranger := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // nothing is said to it
	err = stranger.HandshakeContext(ctx)
	return err == nil || (errors.As(err, &alert) && alert.Op == "remote error")
}

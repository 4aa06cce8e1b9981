package health

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// front is what a member's client port shows before etcd's API is spoken:
// errors have their cause here, where the API's client only sees its time-out.
type front struct {
	certificates []shown
	clock        clock
	err          error
}

// clock is what a member's clock says, compared with Cluster.Now. It is read
// off the Date of an HTTP answer, which knows seconds only, so it is a range.
type clock struct {
	known            bool
	earliest, latest time.Duration // how far it is ahead of ours, at least and at most
}

// knock asks for the member's version over HTTP.
func (c Cluster) knock(ctx context.Context, m Member) front {
	var f front
	transport := &http.Transport{
		DialContext:       c.Dial,
		TLSClientConfig:   c.TLS.Clone(), // which the transport completes for itself
		ForceAttemptHTTP2: true,
		DisableKeepAlives: true,
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.ClientURL+"/version", nil)
	if err != nil {
		f.err = err
		return f
	}
	sent := c.Now()
	res, err := transport.RoundTrip(req)
	if err != nil {
		f.err = knockError(err)
		return f
	}
	defer res.Body.Close()
	f.clock = readClock(res.Header.Get("Date"), sent, c.Now())
	if res.TLS != nil {
		f.certificates = served(res.TLS.PeerCertificates)
	}
	return f
}

// errSilent is the error of a member that accepts connections and says
// nothing: until etcd has found a quorum for the first time, that is its way.
var errSilent = errors.New("accepts connections and does not answer: it is still looking for a quorum, or the process hangs")

// knockError explains why a member's client port did not answer; nil if it
// does answer, only not to HTTP.
func knockError(err error) error {
	var op *net.OpError
	switch {
	// A port that speaks gRPC alone, see etcd's --listen-client-http-urls.
	case strings.Contains(err.Error(), "malformed HTTP response"):
		return nil
	case errors.As(err, &op) && op.Op == "dial" && op.Addr == nil && op.Err != nil:
		return op.Err // no address was dialled: what is wrong is said without it
	case errors.As(err, &op) && op.Op == "dial":
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return errSilent
	}
	return err
}

func readClock(date string, sent, received time.Time) clock {
	t, err := http.ParseTime(date)
	if err != nil {
		return clock{}
	}
	return clock{known: true, earliest: t.Sub(received), latest: t.Add(time.Second).Sub(sent)}
}

// served names the chain that a server shows.
func served(chain []*x509.Certificate) []shown {
	if len(chain) == 0 {
		return nil
	}
	return []shown{{use: "server", cert: chain[0]}}
}

// ownCertificate is the one that is shown to the members.
func (c Cluster) ownCertificate() []shown {
	if c.TLS == nil || len(c.TLS.Certificates) == 0 {
		return nil
	}
	cert, err := x509.ParseCertificate(c.TLS.Certificates[0].Certificate[0])
	if err != nil {
		return nil // unusable, which the members' answers will tell
	}
	return []shown{{use: "client", cert: cert}}
}

// peerCertificate looks at the certificate on a member's peer port. It hangs up
// as soon as it has it: there is no peer's certificate to go on with, and etcd
// takes a refused one for an attack and logs it, while it lets a connection
// that just ends go without a word.
func (c Cluster) peerCertificate(ctx context.Context, m Member) []shown {
	u, err := url.Parse(m.PeerURL)
	if err != nil || u.Scheme != "https" {
		return nil
	}
	conn, err := c.Dial(ctx, "tcp", u.Host)
	if err != nil {
		return nil
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // what a deadline is for ends anyway
	}

	var chain []shown
	looking := tls.Client(conn, &tls.Config{
		ServerName:         u.Hostname(),
		InsecureSkipVerify: true, // to look at it, whoever vouches for it
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			cert, err := x509.ParseCertificate(raw[0])
			if err == nil {
				chain = []shown{{use: "peer", cert: cert}}
			}
			hangUp(conn)
			return errors.New("seen enough")
		},
	})
	_ = looking.Handshake()          // never succeeds
	_, _ = io.Copy(io.Discard, conn) // with data unread, closing would reset the connection
	return chain
}

// hangUp ends the sending side, which the other side reads as the end.
func hangUp(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		return
	}
	_ = conn.Close()
}

package exposure

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
)

func (c Cluster) try(ctx context.Context, m Member, a attempt) (Answer, string) {
	if a.impossible != "" {
		return NotTried, a.impossible
	}
	address := m.ClientAddr
	if a.port == peerPort {
		address = m.PeerAddr
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	conn, err := c.Dial(ctx, "tcp", address)
	if err != nil {
		return Silent, err.Error() // a port that is not there protects nothing
	}
	defer conn.Close()
	if a.look {
		return look(ctx, conn, a.tls)
	}
	return ask(ctx, conn, address, a.tls)
}

// look checks the certificate that a server shows, and hangs up.
func look(ctx context.Context, conn net.Conn, config *tls.Config) (Answer, string) {
	seen := false
	config.VerifyConnection = func(tls.ConnectionState) error { // called once the certificate is found good
		seen = true
		return errors.New("seen")
	}
	err := tls.Client(conn, config).HandshakeContext(ctx)
	if seen {
		return Shown, ""
	}
	return notLetIn(err)
}

// ask sends one request and reads what the port makes of it.
func ask(ctx context.Context, conn net.Conn, address string, config *tls.Config) (Answer, string) {
	scheme := "https"
	if config == nil {
		scheme = "http"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+address+"/version", nil)
	if err != nil {
		return Silent, err.Error()
	}
	transport := &http.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		TLSClientConfig:   config,
		DisableKeepAlives: true,
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return notLetIn(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return Refused, res.Status
	}
	return LetIn, spoken(res.TLS)
}

// notLetIn tells a refusal from no answer at all.
func notLetIn(err error) (Answer, string) {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return Silent, "time-out"
	}
	return Refused, err.Error()
}

func spoken(state *tls.ConnectionState) string {
	if state == nil {
		return "in plain text"
	}
	return "over " + tls.VersionName(state.Version)
}

// connect reports whether anything accepts connections at an address.
func (c Cluster) connect(ctx context.Context, address string) (Answer, string) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	conn, err := c.Dial(ctx, "tcp", address)
	if err != nil {
		return notLetIn(err)
	}
	conn.Close()
	return LetIn, fmt.Sprintf("%s accepts connections", address)
}

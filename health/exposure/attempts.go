package exposure

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"slices"
)

// attempt is one way to knock at a port.
type attempt struct {
	port, name string
	expected   Answer
	tls        *tls.Config // nil for plain text
	look       bool        // at the server's certificate, and no more
	impossible string      // why it can't be made; empty if it can
}

const (
	clientPort  = "client"
	peerPort    = "peer"
	metricsPort = "metrics"
)

// anyConnection is the attempt at the port of metrics, where nobody shows a certificate.
const anyConnection = "any connection"

// attempts are all that a mode makes promises about.
func (c Cluster) attempts(m Member, f forged) []attempt {
	switch c.Mode {
	case None:
		return []attempt{
			{port: clientPort, name: "plain text", expected: LetIn},
			{port: peerPort, name: "plain text", expected: LetIn},
		}
	case Auto:
		return []attempt{
			{port: clientPort, name: "plain text", expected: Refused},
			{port: clientPort, name: "no certificate", expected: LetIn, tls: anyServer()},
			{port: clientPort, name: "TLS 1.1", expected: Refused, tls: old(anyServer())},
			{port: peerPort, name: "plain text", expected: Refused},
			{port: peerPort, name: "no certificate", expected: LetIn, tls: anyServer()},
			{port: peerPort, name: "TLS 1.1", expected: Refused, tls: old(anyServer())},
		}
	}
	return append(c.clientAttempts(m, f), c.peerAttempts(m, f)...)
}

// Strangers are the clients that are refused where both sides show a certificate, by
// what they come with.
func Strangers() []string {
	ports := map[string][]string{}
	var all []string
	for _, a := range (Cluster{Mode: Mutual}).attempts(Member{}, forged{}) {
		if a.expected == Refused {
			ports[a.name] = append(ports[a.name], a.port)
			all = append(all, a.name)
		}
	}
	var strangers []string
	for _, name := range all {
		if on := ports[name]; len(on) == 1 {
			name += ", on the " + on[0] + " port"
		}
		if !slices.Contains(strangers, name) {
			strangers = append(strangers, name)
		}
	}
	return strangers
}

func (c Cluster) clientAttempts(m Member, f forged) []attempt {
	right := showing(c.Client, trusting(c.Servers, m.ClientAddr))
	expired := attempt{port: clientPort, name: "an expired certificate", expected: Refused, impossible: f.noExpired}
	if f.noExpired == "" {
		expired.tls = showing(f.expired, anyServer())
	}
	return []attempt{
		{port: clientPort, name: "a client's certificate", expected: LetIn, tls: right},
		{port: clientPort, name: "plain text", expected: Refused},
		{port: clientPort, name: "no certificate", expected: Refused, tls: anyServer()},
		{port: clientPort, name: "a wrong authority's certificate", expected: Refused, tls: showing(f.stranger, anyServer())},
		expired,
		{port: clientPort, name: "TLS 1.1", expected: Refused, tls: old(right)},
	}
}

func (c Cluster) peerAttempts(m Member, f forged) []attempt {
	own := attempt{port: peerPort, name: "the member's certificate", expected: Shown, look: true}
	if m.Peers == nil {
		own.impossible = "the peers' authority is not here"
	} else {
		own.tls = trusting(m.Peers, m.PeerAddr)
	}
	withClients := Refused
	if c.OneAuthority {
		withClients = LetIn
	}
	return []attempt{
		own,
		{port: peerPort, name: "plain text", expected: Refused},
		{port: peerPort, name: "no certificate", expected: Refused, tls: anyServer()},
		{port: peerPort, name: "a client's certificate", expected: withClients, tls: showing(c.Client, anyServer())},
		{port: peerPort, name: "a wrong authority's certificate", expected: Refused, tls: showing(f.stranger, anyServer())},
		{port: peerPort, name: "TLS 1.1", expected: Refused, tls: old(anyServer())},
	}
}

// anyServer does not care who answers: a stranger wouldn't.
func anyServer() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
}

// trusting wants to know that it is the member who answers.
func trusting(authorities *x509.CertPool, address string) *tls.Config {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	return &tls.Config{RootCAs: authorities, ServerName: host, MinVersion: tls.VersionTLS12}
}

// showing shows a certificate whatever authorities the server asks for: left
// to itself, Go's client keeps one back that the server can't like.
func showing(cert tls.Certificate, config *tls.Config) *tls.Config {
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	return config
}

// old is a client of before TLS 1.2.
func old(config *tls.Config) *tls.Config {
	config = config.Clone()
	config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	return config
}

// away is why none of a member's ports is there; nil where one is.
func (c Cluster) away(ctx context.Context, m Member) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	var why error
	for _, address := range []string{m.PeerAddr, m.ClientAddr} {
		conn, err := c.Dial(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		why = err
	}
	return why
}

func (c Cluster) tryMember(ctx context.Context, m Member, f forged) []Result {
	if why := c.away(ctx, m); why != nil {
		return []Result{{Member: m.Name, Attempt: "is there to be tried", Expected: There, Seen: Away, Detail: why.Error()}}
	}
	var results []Result
	for _, a := range c.attempts(m, f) {
		r := Result{Member: m.Name, Port: a.port, Attempt: a.name, Expected: a.expected}
		r.Seen, r.Detail = c.try(ctx, m, a)
		results = append(results, r)
	}
	if m.ClosedAddr != "" {
		r := Result{Member: m.Name, Port: metricsPort, Attempt: anyConnection, Expected: Refused}
		r.Seen, r.Detail = c.connect(ctx, m.ClosedAddr)
		results = append(results, r)
	}
	return results
}

// Package exposure proves who is let in by a member's ports, by trying.
//
// A configuration that ought to refuse strangers is not yet a port that does:
// etcd switches client authentication off without a word when it is told to
// make its own certificates, and does without an authority when none is named.
// So every port is asked the way strangers would, in plain text or with certificates
// that were made to be refused (attempts has all of them), and what comes back is
// compared with what the cluster's TLS mode promises.
//
// Being let in means that an HTTP request is answered with success. A port that
// is dead refuses everything, so each has to show life too: the client port by
// letting the right client in, and the peer port by showing the member's
// certificate. (Even the right peer certificate opens it from a member's own
// address only, which etcd checks.)
package exposure

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"sync"
	"time"
)

// Mode is how a cluster promises to secure its connections.
type Mode string

// The modes, by their names in package cluster.
const (
	Mutual Mode = "mutual" // both sides show a certificate
	Auto   Mode = "auto"   // encrypted, and nobody is asked who he is
	None   Mode = "none"   // plain text
)

// Cluster is what is tried, and with what.
type Cluster struct {
	Mode    Mode
	Members []Member
	// Dial reaches the members' addresses; nil dials directly.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Timeout is each attempt's own. Zero stands for DefaultTimeout.
	Timeout time.Duration
	// Now is the time for certificates made on the way.
	Now time.Time

	// Client is the certificate of a client, and Servers who vouches for the
	// members' certificates on the client port. For Mutual.
	Client  tls.Certificate
	Servers *x509.CertPool
	// Issuer is the clients' authority with its key, to make a certificate
	// that has expired. Without it that one attempt is not made.
	Issuer *tls.Certificate
	// OneAuthority says that clients and peers have the same authority, so
	// that a client's certificate opens the peer port too.
	OneAuthority bool
}

// DefaultTimeout is how long a port may take to say yes or no.
const DefaultTimeout = 5 * time.Second

// Member is a member whose ports are tried.
type Member struct {
	Name       string
	ClientAddr string // such as "etcd1:2379"
	PeerAddr   string
	// Peers is who vouches for the certificate on the peer port. For Mutual;
	// without it nobody looks at that.
	Peers *x509.CertPool
	// ClosedAddr is an address that must not accept connections at all, such
	// as that of a metrics listener on loopback; empty if there is none.
	ClosedAddr string
}

// Answer is what a port does with an attempt.
type Answer string

// What ports do.
const (
	LetIn    Answer = "let in"
	Shown    Answer = "shown" // the certificate that was looked for
	Refused  Answer = "refused"
	Silent   Answer = "no answer" // a port that neither lets in nor refuses is never as promised
	NotTried Answer = "not tried"
	Away     Answer = "away" // none of its ports is there: nothing was tried
	There    Answer = "there"
)

// Result is one attempt and what came of it.
type Result struct {
	Member   string
	Port     string // "client", "peer" or "metrics"; empty of a member that is away
	Attempt  string
	Expected Answer
	Seen     Answer
	Detail   string // the error of a refusal, or why it was not tried
}

// AsPromised reports whether the port did what the mode promises.
func (r Result) AsPromised() bool { return r.Seen == r.Expected || r.Seen == NotTried }

// Try makes all attempts on all members, the members at the same time.
func (c Cluster) Try(ctx context.Context) ([]Result, error) {
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	forged, err := c.forge()
	if err != nil {
		return nil, err
	}
	results := make([][]Result, len(c.Members))
	var all sync.WaitGroup
	for i, m := range c.Members {
		all.Go(func() { results[i] = c.tryMember(ctx, m, forged) })
	}
	all.Wait()
	var flat []Result
	for _, r := range results {
		flat = append(flat, r...)
	}
	return flat, ctx.Err()
}

package member

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// Dial opens a connection to an address such as "etcd1:2379".
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Config says who the members are and how to reach them.
type Config struct {
	// URLs are the members' client URLs as Dial reaches them, by name, such as
	// "https://etcd1:2379". They need not all exist yet.
	URLs map[string]string
	// TLS is what a client needs; nil for plain text.
	TLS *tls.Config
	// Dial reaches the addresses in URLs; nil dials directly.
	Dial Dial
	// Patience bounds all that is asked.
	Patience Patience
	// Now is the clock that latencies are measured with; nil stands for time.Now.
	Now func() time.Time
}

// Patience is how long things may take. Zero values stand for the defaults.
type Patience struct {
	// Question is for one question to one member.
	Question time.Duration
	// Change is for one change with its repetitions: etcd refuses to change who
	// the members are until each voter has been connected for 5 s.
	Change time.Duration
	// Progress is for a wait, as long as nothing moves.
	Progress time.Duration
}

// The defaults of Patience.
const (
	DefaultQuestion = 5 * time.Second // etcdctl's
	DefaultChange   = 15 * time.Second
	DefaultProgress = time.Minute
)

package health

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// DefaultTimeout is how long a member may take to answer: etcdctl's patience.
const DefaultTimeout = 5 * time.Second

// Dial opens a connection to an address such as "etcd1:2379".
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Cluster is the cluster that ought to be there, and how to reach it.
type Cluster struct {
	// Members are exactly those expected, and those that are there besides.
	Members []Member
	// TLS is what a client needs; nil for plain text.
	TLS *tls.Config
	// Dial reaches the addresses in the members' URLs; nil dials directly.
	Dial Dial
	// Timeout is each member's own, so that one that is dead does not hide the
	// others. Zero stands for DefaultTimeout.
	Timeout time.Duration
	// Deep has the members hash all their data, and compares: that reads all of
	// it.
	Deep bool
	// Now is the clock that certificates and members' clocks are compared
	// with; nil stands for time.Now.
	Now func() time.Time
}

// Member is a member that is expected.
type Member struct {
	Name      string
	ClientURL string // as Dial reaches it, such as "https://etcd1:2379"
	PeerURL   string // likewise; empty if its certificate is not to be looked at
	// Quota of its database in bytes, which etcd before 3.6 does not tell; zero if
	// it is not known.
	Quota int64
	// Bridges says that it answers clients with and without TLS, as in between one and
	// the other.
	Bridges bool
	// Held is why it does not run, where what runs it knows: that tells more than that
	// nobody answers.
	Held string
	// Idle is what it is instead of running, as what runs it has it, such as "stopped", and
	// Paused that its process is frozen; zero where it runs, or nobody knows.
	Idle   string
	Paused bool
	// Unwanted says that it is there and not described: it may be a member all the same,
	// as long as another one takes its place.
	Unwanted bool
}

// Check asks all members at the same time and judges what they say. What is
// wrong is in the report: asking itself does not fail.
func (c Cluster) Check(ctx context.Context) Report {
	c = c.withDefaults()
	answers := make([]answer, len(c.Members))
	var all sync.WaitGroup
	for i, m := range c.Members {
		all.Go(func() { answers[i] = c.ask(ctx, m) })
	}
	all.Wait()
	if c.Deep {
		c.compareData(ctx, answers)
	}
	return judge(answers, c.Now())
}

func (c Cluster) withDefaults() Cluster {
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

package member

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
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
	// Renew gives TLS as it is by now, for each connection that is made: its files may be
	// replaced while a Client lasts. nil: it stays what it is.
	Renew func() (*tls.Config, error)
	// User and Password are those of a user of etcd's, for clients that are not known by
	// a certificate; empty without.
	User, Password string
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
	// Change is for one change with its repetitions, or Progress where etcd refuses to
	// change who the members are until each voter has been connected for 5 s.
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

// Client asks and changes one cluster. Its methods may be called from several
// goroutines at once.
type Client struct {
	config Config

	mu     sync.Mutex
	closed bool
	open   map[string]*connection // by the member's name
}

// connection is the one to a member, whose state gRPC keeps.
type connection struct {
	name, url   string
	etcd        *clientv3.Client
	maintenance clientv3.Maintenance
	stream      etcdserverpb.MaintenanceClient
}

// New makes a client, and connects to nobody yet: a member is connected to when
// it is first asked. All mistakes in the configuration are reported at once.
func New(config Config) (*Client, error) {
	if len(config.URLs) == 0 {
		return nil, errors.New("no member to ask: give the client URL of at least one")
	}
	var mistakes []error
	for _, name := range slices.Sorted(maps.Keys(config.URLs)) {
		mistakes = append(mistakes, checkURL(name, config.URLs[name], config.TLS != nil))
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	config.URLs = maps.Clone(config.URLs)
	if config.Dial == nil {
		config.Dial = new(net.Dialer).DialContext
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	config.Patience = config.Patience.withDefaults()
	return &Client{config: config, open: map[string]*connection{}}, nil
}

func checkURL(name, text string, haveTLS bool) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return fmt.Errorf("client URL %q of %s: write it as http://HOST:2379 or https://HOST:2379", text, name)
	case u.Scheme == "https" && !haveTLS:
		return fmt.Errorf("client URL %q of %s: https needs certificates, and none are given", text, name)
	}
	return nil
}

func (p Patience) withDefaults() Patience {
	return Patience{
		Question: cmp.Or(p.Question, DefaultQuestion),
		Change:   cmp.Or(p.Change, DefaultChange),
		Progress: cmp.Or(p.Progress, DefaultProgress),
	}
}

// names are the members that can be asked, in order.
func (c *Client) names() []string { return slices.Sorted(maps.Keys(c.config.URLs)) }

// to gives the connection to a member, and makes it if there is none yet.
func (c *Client) to(name string) (*connection, error) {
	address, ok := c.config.URLs[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w that can be asked: its client URL is not known", name, ErrUnknownMember)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, net.ErrClosed
	}
	if known := c.open[name]; known != nil {
		return known, nil
	}
	etcd, err := clientv3.New(c.config.of(address))
	if err != nil {
		return nil, fmt.Errorf("cannot make a client for %s: %w", address, meaning(err))
	}
	stream := etcdserverpb.NewMaintenanceClient(etcd.ActiveConnection())
	// etcd's own Maintenance opens a connection for every question.
	maintenance := clientv3.NewMaintenanceFromMaintenanceClient(clientv3.RetryMaintenanceClient(etcd, etcd.ActiveConnection()), etcd)
	c.open[name] = &connection{name, address, etcd, maintenance, stream}
	return c.open[name], nil
}

// of is the configuration of etcd's client for one member. It tries to connect
// again much sooner than gRPC would, and finds out when a peer has silently gone.
func (c Config) of(address string) clientv3.Config {
	config := clientv3.Config{
		Endpoints: []string{address},
		Logger:    zap.NewNop(), // what it has to say is in its errors
		DialOptions: []grpc.DialOption{
			grpc.WithContextDialer(func(ctx context.Context, host string) (net.Conn, error) { return c.Dial(ctx, "tcp", host) }),
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.5, MaxDelay: 250 * time.Millisecond},
				MinConnectTimeout: time.Second, // a port that is open and not served yet
			}),
		},
		DialKeepAliveTime:    10 * time.Second, // etcd hangs up on who asks more often than every 5 s
		DialKeepAliveTimeout: 3 * time.Second,
	}
	if strings.HasPrefix(address, "https:") {
		config.TLS = c.TLS
		if c.Renew != nil {
			config.DialOptions = append(config.DialOptions, grpc.WithTransportCredentials(newRenewable(c.TLS, c.Renew)))
		}
	}
	if c.User != "" {
		config.Username, config.Password = c.User, c.Password
		config.DialTimeout = c.Patience.Question // within which it logs in
	}
	return config
}

// Close ends all connections, and with them all that is still being asked.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	var errs []error
	for _, to := range c.open {
		errs = append(errs, to.etcd.Close())
	}
	clear(c.open)
	return errors.Join(errs...)
}

// question bounds one question to one member.
func (c *Client) question(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.config.Patience.Question)
}

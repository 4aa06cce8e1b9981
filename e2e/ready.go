package e2e

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// readyTimeout is how long a cluster may take from the start of its containers
// until every member answers. It is testcontainers' own default for a
// container.
const readyTimeout = time.Minute

// connect waits until every member answers, and makes the cluster's client.
func (c *Cluster) connect(ctx context.Context) error {
	if err := c.Ready(ctx); err != nil {
		return err
	}
	config, err := c.Config()
	if err != nil {
		return err
	}
	config.Logger = zap.NewNop() // in a test that stops members, retries are no news
	c.Client, err = clientv3.New(config)
	return err
}

// Ready waits until every member has answered a linearizable read: each of them
// knows a leader that a majority follows. They have to be one cluster.
func (c *Cluster) Ready(ctx context.Context) error {
	ids := make([]uint64, len(c.Members))
	index := map[*Member]int{}
	for i, m := range c.Members {
		index[m] = i
	}
	err := c.each(ctx, func(m *Member, ctx context.Context) (err error) {
		ids[index[m]], err = m.read(ctx)
		return err
	})
	if err != nil {
		return err
	}
	for i, m := range c.Members[1:] {
		if ids[i+1] != ids[0] {
			return fmt.Errorf("%s is in another cluster (%x) than %s (%x)", m.Name, ids[i+1], c.Members[0].Name, ids[0])
		}
	}
	return nil
}

// Ready waits until the member has answered a linearizable read.
func (m *Member) Ready(ctx context.Context) error {
	_, err := m.read(ctx)
	return err
}

// read does a linearizable read through this member alone, and gives the ID of
// the cluster that it is in.
func (m *Member) read(ctx context.Context) (uint64, error) {
	config, err := m.cluster.Config()
	if err != nil {
		return 0, err
	}
	config.Endpoints = []string{m.Endpoint()}
	config.Logger = zap.NewNop() // each attempt that fails would be a line
	config.DialOptions = []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{
		Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.5, MaxDelay: 200 * time.Millisecond},
		MinConnectTimeout: time.Second, // a port that is open and not served yet
	})}
	client, err := clientv3.New(config)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	got, err := retry(ctx, client, m.running)
	if err != nil {
		return 0, err
	}
	return got.Header.ClusterId, nil
}

// retry reads until a read succeeds. It gives up after a minute, or when
// hopeful gives an error.
func retry(ctx context.Context, client *clientv3.Client, hopeful func(context.Context) error) (*clientv3.GetResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		got, err := get(ctx, client)
		if err == nil {
			return got, nil
		}
		if ctx.Err() != nil || !transient(err) {
			return nil, fmt.Errorf("no linearizable read: %w", err)
		}
		if err := hopeful(ctx); err != nil {
			return nil, err
		}
	}
}

// transient errors are what clients see of a member that starts, or that knows
// no leader. The client waits before it tries again.
func transient(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	code := status.Code(err)
	return code == codes.Unavailable || code == codes.DeadlineExceeded
}

// get gives a read two seconds. Left to itself, a read that finds no leader
// waits for longer than it takes to elect one.
func get(ctx context.Context, client *clientv3.Client) (*clientv3.GetResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return client.Get(ctx, "ready")
}

func certPool(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return pool, nil
}

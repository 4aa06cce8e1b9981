package measure

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
)

// Member is one that is asked: by the URL that its certificate is for, at the address
// HOST:PORT that is dialled.
type Member struct{ URL, Address string }

// ClientTLS is what a client shows and trusts, from its folder among the certificates that
// etcdctr makes.
func ClientTLS(dir string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err != nil {
		return nil, err
	}
	authorities, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authorities)
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool}, nil
}

// Config is that of a client of one member.
func (m Member) Config(shows *tls.Config) clientv3.Config {
	return clientv3.Config{
		Endpoints: []string{m.URL}, TLS: shows, Logger: zap.NewNop(), // errors are returned too
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", m.Address)
		})},
	}
}

// UntilServing returns when every member has answered a linearizable read.
func UntilServing(ctx context.Context, shows *tls.Config, members ...Member) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	errs := make([]error, len(members))
	var all sync.WaitGroup
	for i, m := range members {
		all.Go(func() { errs[i] = m.untilAnswer(ctx, shows) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (m Member) untilAnswer(ctx context.Context, shows *tls.Config) error {
	for ctx.Err() == nil {
		if m.ask(ctx, shows) == nil {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("%s does not answer: %w", m.Address, ctx.Err())
}

// ask asks once, and not before somebody listens: an etcd client would wait a
// second before it tries again.
func (m Member) ask(ctx context.Context, shows *tls.Config) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", m.Address)
	if err != nil {
		return err
	}
	conn.Close()
	config := m.Config(shows)
	config.Context = ctx
	client, err := clientv3.New(config)
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.Get(ctx, "health")
	return err
}

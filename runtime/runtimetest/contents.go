package runtimetest

import (
	"context"
	"errors"
	"net"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
)

// etcd connects to a member, and asks until it answers.
func (s *subject) etcd(member string, ask func(context.Context, *clientv3.Client) error) {
	s.Helper()
	have := s.observe()
	way, err := s.runtime.Reach(s.ctx, have)
	if err != nil {
		s.Fatalf("Reach: %v", err)
	}
	defer func() {
		if err := way.Close(); err != nil {
			s.Errorf("the way does not close: %v", err)
		}
	}()
	m, ok := have.Server(member)
	if !ok {
		s.Fatalf("there is no %s", member)
	}
	c, err := clientv3.New(clientv3.Config{
		Endpoints: []string{m.ClientURL()}, Context: s.ctx, Logger: zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return way.Dial(ctx, "tcp", address)
		})},
	})
	if err != nil {
		s.Fatal(err)
	}
	defer c.Close()
	for {
		err := question(s.ctx, c, ask)
		if err == nil {
			return
		}
		if s.ctx.Err() != nil {
			s.Fatalf("%s does not answer: %v", member, err)
		}
	}
}

// question is asked anew where a member has not come up yet.
func question(ctx context.Context, c *clientv3.Client, ask func(context.Context, *clientv3.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return ask(ctx, c)
}

// write puts something into the cluster that read finds as long as its data is
// kept.
func (s *subject) write(value string) {
	s.Helper()
	s.etcd("etcd1", func(ctx context.Context, c *clientv3.Client) error {
		_, err := c.Put(ctx, "runtimetest", value)
		return err
	})
}

// wantValue reads what write has put; empty for nothing.
func (s *subject) wantValue(member, value string) {
	s.Helper()
	got := ""
	s.etcd(member, func(ctx context.Context, c *clientv3.Client) error {
		r, err := c.Get(ctx, "runtimetest")
		if err == nil && r.Count > 0 {
			got = string(r.Kvs[0].Value)
		}
		return err
	})
	if got != value {
		s.Errorf("%s has %q, want %q", member, got, value)
	}
}

// serve waits until members answer.
func (s *subject) serve(members ...string) {
	s.Helper()
	for _, m := range members {
		s.etcd(m, func(ctx context.Context, c *clientv3.Client) error {
			r, err := c.Status(ctx, c.Endpoints()[0])
			if err == nil && r.Leader == 0 {
				err = errors.New("it knows no leader")
			}
			return err
		})
	}
}

package discovery

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/cluster"
)

// Options say how a v3 service is reached.
type Options struct {
	Endpoints []string    // URLs
	TLS       *tls.Config // for https; nil: the system's authorities, no certificate
	User      string      // who may read and write below the registry; empty: nobody in particular
	Password  string
}

// Timeout is how long a service may take for an answer.
const Timeout = 5 * time.Second

// New connects to a v3 service. The error says which of the usual mistakes it
// is: nobody there, TLS or none against expectation, wrong password.
func New(ctx context.Context, o Options) (*Service, error) {
	if err := reachAny(ctx, o.Endpoints, o.TLS); err != nil {
		return nil, err
	}
	config := o.TLS
	if config == nil && strings.HasPrefix(o.Endpoints[0], "https:") {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	c, err := clientv3.New(clientv3.Config{
		Endpoints: o.Endpoints, TLS: config, Username: o.User, Password: o.Password,
		DialTimeout: Timeout, Context: ctx, Logger: zap.NewNop(),
	})
	if err != nil {
		return nil, v3Error(o.Endpoints, err)
	}
	return &Service{v3{c}}, nil
}

// v3 keeps the registry in etcd's key-value store.
type v3 struct{ client *clientv3.Client }

func (s v3) close() error { return s.client.Close() }

func (s v3) list(ctx context.Context, token string) ([]entry, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	prefix := path.Join(cluster.Registry, token) + "/"
	answer, err := s.client.Get(ctx, prefix, clientv3.WithPrefix(),
		clientv3.WithSort(clientv3.SortByCreateRevision, clientv3.SortAscend))
	if err != nil {
		return nil, v3Error(s.client.Endpoints(), err)
	}
	var entries []entry
	for _, kv := range answer.Kvs {
		entries = append(entries, entry{strings.TrimPrefix(string(kv.Key), prefix), string(kv.Value)})
	}
	return entries, nil
}

func (s v3) create(ctx context.Context, keys map[string]string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	var absent []clientv3.Cmp
	var puts []clientv3.Op
	for k, v := range keys {
		key := path.Join(cluster.Registry, k)
		absent = append(absent, clientv3.Compare(clientv3.CreateRevision(key), "=", 0))
		puts = append(puts, clientv3.OpPut(key, v))
	}
	answer, err := s.client.Txn(ctx).If(absent...).Then(puts...).Commit()
	if err != nil {
		return false, v3Error(s.client.Endpoints(), err)
	}
	return answer.Succeeded, nil
}

func (s v3) remove(ctx context.Context, token string) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	_, err := s.client.Delete(ctx, path.Join(cluster.Registry, token)+"/", clientv3.WithPrefix())
	if err != nil {
		return v3Error(s.client.Endpoints(), err)
	}
	return nil
}

// v3Error says what etcd's errors mean here.
func v3Error(endpoints []string, err error) error {
	at := "the discovery service at " + strings.Join(endpoints, ",")
	switch {
	case errors.Is(err, rpctypes.ErrAuthFailed):
		return fmt.Errorf("%s does not take this user with this password: %w", at, err)
	case errors.Is(err, rpctypes.ErrPermissionDenied), errors.Is(err, rpctypes.ErrUserEmpty):
		return fmt.Errorf("%s wants somebody who may read and write below %s/: %w", at, cluster.Registry, err)
	case errors.Is(err, context.Canceled):
		return err
	}
	return fmt.Errorf("%s: %w", at, err)
}

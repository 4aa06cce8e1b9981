package main

import (
	"context"
	"path/filepath"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/bench/measure"
)

const (
	watches  = 100
	leases   = 20
	leaseTTL = 20 // seconds
)

// use opens watches and keeps leases until it is told to end.
func (b *bench) use(ctx context.Context) (end func(), err error) {
	config, err := b.clientConfig()
	if err != nil {
		return nil, err
	}
	client, err := clientv3.New(config)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	end = func() {
		cancel()
		_ = client.Close() // it has done its part
	}
	for range watches {
		client.Watch(ctx, "watched")
	}
	for range leases {
		granted, err := client.Grant(ctx, leaseTTL)
		if err != nil {
			end()
			return nil, err
		}
		kept, err := client.KeepAlive(ctx, granted.ID)
		if err != nil {
			end()
			return nil, err
		}
		go func() {
			for range kept {
				continue
			}
		}()
	}
	return end, nil
}

func (b *bench) clientConfig() (clientv3.Config, error) {
	shows, err := measure.ClientTLS(filepath.Join(b.dir, "certs", "clients", "root"))
	config := clientv3.Config{TLS: shows, Logger: zap.NewNop()}
	for _, port := range b.ports {
		config.Endpoints = append(config.Endpoints, "https://127.0.0.1:"+port)
	}
	return config, err
}

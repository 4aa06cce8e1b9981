package local

import (
	"context"
	"crypto/tls"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/discovery"
	"github.com/etcdctr/etcdctr/process"
)

// This file is the discovery service that local processes find each other by:
// an etcd of their own.

// ownTokens are those of a stack at its own discovery service: one.
type ownTokens struct {
	stack   process.Stack
	service process.Member
}

func ownDiscovery(s process.Stack) (ownTokens, bool) {
	service, ok := process.Find(s.Services, cluster.DiscoveryServerName)
	return ownTokens{s, service}, ok
}

// token is that of the cluster.
func (t ownTokens) token() string { return t.setting("initial-cluster-token") }

func (t ownTokens) setting(name string) string { return cluster.SettingsIn(t.service.Env).Get(name) }

// open has the token take the members of a cluster that has never formed. With
// data in any of them it has: see guard.
func (t ownTokens) open(ctx context.Context) error {
	if t.formed() > 0 {
		return nil
	}
	return t.with(ctx, func(s *discovery.Service) error {
		return keepTrying(ctx, func() error {
			err := s.Register(ctx, t.token(), len(t.stack.Members))
			if errors.Is(err, discovery.ErrTokenExists) {
				return nil
			}
			return err
		})
	})
}

// guardEvery is how often it is looked whether the cluster has formed.
const guardEvery = 100 * time.Millisecond

// guard forgets the token once all members have joined. A member whose data is
// gone would otherwise register again under its old ID, join, and panic at the
// first entry that it once acknowledged.
func (t ownTokens) guard(ctx context.Context) {
	for ctx.Err() == nil {
		if t.formed() == len(t.stack.Members) && t.close(ctx) == nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(guardEvery):
		}
	}
}

func (t ownTokens) close(ctx context.Context) error {
	return t.with(ctx, func(s *discovery.Service) error {
		_, err := s.Status(ctx, t.token())
		if errors.Is(err, discovery.ErrUnknownToken) {
			return nil
		}
		return errors.Join(err, s.Remove(ctx, t.token()))
	})
}

// formed counts the members that have once started in their cluster. etcd makes
// its log then, not before: with discovery, after all have registered.
func (t ownTokens) formed() int {
	n := 0
	for _, m := range t.stack.Members {
		if hasLog(m.DataDir) {
			n++
		}
	}
	return n
}

// with connects to the service, as its members do.
func (t ownTokens) with(ctx context.Context, do func(*discovery.Service) error) error {
	url := t.setting("advertise-client-urls")
	o := discovery.Options{Endpoints: []string{url}}
	switch cert := t.setting("cert-file"); {
	case cert != "":
		var err error
		if o.TLS, err = certs.TLS(filepath.Dir(cert)); err != nil {
			return err
		}
	case strings.HasPrefix(url, "https:"):
		// Nobody has vouched for a certificate of auto-TLS.
		o.TLS = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec // see above
	}
	s := discovery.NewV2(strings.TrimSuffix(discovery.V2URL(url, ""), "/"), o.TLS)
	if t.setting("enable-v2") == "" {
		var err error
		if s, err = discovery.New(ctx, o); err != nil {
			return err
		}
	}
	defer s.Close()
	return do(s)
}

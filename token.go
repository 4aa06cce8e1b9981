package etcdctr

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/discovery"
)

// This file is about tokens at a discovery service that is there.

// ServiceOf is the discovery service that a Spec names, whether it uses it or not.
func ServiceOf(spec cluster.Spec) *cluster.Discovery {
	d := &cluster.Discovery{
		Credentials: cluster.DiscoveryCredentials{CACert: spec.DiscoveryCACert, Cert: spec.DiscoveryCert, Key: spec.DiscoveryKey},
		User:        spec.DiscoveryUser, PasswordFile: spec.DiscoveryPasswordFile,
	}
	if spec.DiscoveryEndpoints != "" {
		d.Endpoints = strings.Split(spec.DiscoveryEndpoints, ",")
	}
	return d
}

// FindToken connects to the service that a token is at, and gives its name there: a
// token of the v2 protocol is the URL that members are given. Its error may be an
// *InputError.
func FindToken(ctx context.Context, d *cluster.Discovery, token string) (*discovery.Service, string, error) {
	if strings.Contains(token, "://") {
		at := *d
		at.URL = token
		_, name, err := discovery.SplitV2URL(token)
		if err != nil {
			return nil, "", &InputError{err}
		}
		s, err := Discovery(ctx, &at)
		return s, name, err
	}
	if err := wantEndpoints(d); err != nil {
		return nil, "", err
	}
	s, err := Discovery(ctx, d)
	return s, token, err
}

// RegisterToken registers a fresh token for so many members, and gives it as members are
// told of it: of the v2 protocol as a URL. Its error may be an *InputError.
func RegisterToken(ctx context.Context, d *cluster.Discovery, size int, v2 bool, random io.Reader) (string, error) {
	if size < 1 || size > cluster.MaxMembers {
		return "", &InputError{fmt.Errorf("--size: must be from 1 to %d, not %d", cluster.MaxMembers, size)}
	}
	if err := wantEndpoints(d); err != nil {
		return "", err
	}
	at := *d
	var err error
	if at.Token, err = cluster.NewDiscoveryToken(random); err != nil {
		return "", err
	}
	result := at.Token
	if v2 {
		at.URL = discovery.V2URL(at.Endpoints[0], at.Token)
		result = at.URL
	}
	s, err := Discovery(ctx, &at)
	if err != nil {
		return "", err
	}
	defer s.Close()
	return result, s.Register(ctx, at.Token, size)
}

func wantEndpoints(d *cluster.Discovery) error {
	if len(d.Endpoints) > 0 {
		return nil
	}
	return &InputError{fmt.Errorf("which discovery service: name it by --discovery-endpoints, or in the cluster file")}
}

package target

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/discovery"
)

// Discovery are the flags that say which discovery service a command is about: the keys of
// the cluster file that do.
type Discovery struct{ *Flags }

// discoveryKeys are the flags that say how a service is reached.
var discoveryKeys = []string{
	"discovery-endpoints", "discovery-cacert", "discovery-cert", "discovery-key", "discovery-user", "discovery-password-file",
}

// Discovering gives cmd those flags.
func (w *World) Discovering(cmd *cobra.Command) *Discovery {
	f := w.ByFile(cmd)
	for _, k := range cluster.Keys() {
		if slices.Contains(discoveryKeys, k.Name) {
			AddKey(cmd, k)
		}
	}
	return &Discovery{f}
}

// Service gives what the file and the flags say of the service.
func (f *Discovery) Service() (*cluster.Discovery, error) {
	spec, mistakes, err := f.Spec()
	if err := errors.Join(append(mistakes, err)...); err != nil {
		return nil, hints.Usage(err)
	}
	return etcdctr.ServiceOf(spec), nil
}

// Token connects to the service that a token is at, and gives the token's name
// there.
func (f *Discovery) Token(ctx context.Context, token string) (*discovery.Service, string, error) {
	d, err := f.Service()
	if err != nil {
		return nil, "", err
	}
	return etcdctr.FindToken(ctx, d, token)
}

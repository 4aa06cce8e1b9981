package main

import (
	"context"
	"errors"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/internal/lifespan"
	"github.com/etcdctr/etcdctr/internal/listed"
)

// isAuto reports whether the cluster that the flags describe makes its own
// certificates, or was started so. A mistake in it is no matter of this question.
func isAuto(f *target.Flags) bool {
	spec, _, err := f.Spec()
	if err == nil && spec.TLS == "" {
		spec, err = f.AsStarted(spec)
	}
	return err == nil && spec.TLS == string(cluster.AutoTLS)
}

// renewAuto gives members of auto-TLS new certificates.
func (o certsRenewOptions) renewAuto(ctx context.Context, a *app, names []string) error {
	if o.renew.KeepKey || o.renew.Key != "" {
		return usage(errors.New("tls: auto makes keys of one kind, anew each time: leave --keep-key and --key-algorithm out"))
	}
	c, err := o.cluster.Find(ctx, target.Working{})
	if err != nil {
		return err
	}
	defer c.Close()
	chosen, err := c.Choose(ctx, names...)
	if err != nil {
		return err
	}
	renewed, err := c.RenewSelfSigned(ctx, chosen, o.renew.Within, o.renew.Lifetime)
	for _, m := range renewed {
		if len(m.Uses) == 0 {
			a.Say("%s: ends late enough", m.Member)
			continue
		}
		a.Say("%s: %s renewed, until %s", m.Member, listed.And(m.Uses), lifespan.When(m.Until, a.Now()))
	}
	return err
}

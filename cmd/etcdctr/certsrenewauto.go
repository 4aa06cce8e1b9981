package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// Files of auto-TLS, which etcd keeps with a member's data.
const (
	fixturesFolder = "fixtures"
	fixtureCert    = "cert.pem"
	fixtureKey     = "key.pem"
)

// isAuto reports whether the cluster that the flags describe makes its own
// certificates. A mistake in it is no matter of this question.
func (f *clusterFlags) isAuto(a *app) bool {
	spec, _, err := f.spec(a)
	return err == nil && spec.TLS == string(cluster.AutoTLS)
}

// renewAuto gives members of auto-TLS new certificates. They show them from the
// next connection on.
func (o certsRenewOptions) renewAuto(ctx context.Context, a *app, names []string) error {
	if o.keepKey || o.keys.algorithm != "" {
		return usage(errors.New("tls: auto makes keys of one kind, anew each time: leave --keep-key and --key-algorithm out"))
	}
	c, err := o.cluster.find(ctx, a, working{})
	if err != nil {
		return err
	}
	defer c.close()
	have, err := c.Observe(ctx)
	if err != nil {
		return err
	}
	chosen, err := c.choose(ctx, names)
	if err != nil {
		return err
	}
	files, ok := c.Runtime().(runtime.Copier)
	if !ok {
		return fmt.Errorf("the files of members on the runtime %s can't be replaced", c.Runtime().Name())
	}
	var errs []error
	for _, m := range have.Members() {
		if slices.Contains(chosen, m.Name) {
			errs = append(errs, o.renewFixtures(ctx, a, have.Name, m, files))
		}
	}
	return errors.Join(errs...)
}

func (o certsRenewOptions) renewFixtures(ctx context.Context, a *app, name string, m runtime.Server, files runtime.Copier) error {
	if m.TLS() != cluster.AutoTLS {
		return usage(fmt.Errorf("%s has tls: %s, and no certificates that etcd has made up: leave --tls auto out", m.Name, m.TLS()))
	}
	var renewed []string
	var until time.Time
	for _, use := range []string{"client", "peer"} {
		dir := path.Join(filepath.ToSlash(m.Settings.Get("data-dir")), fixturesFolder, use)
		was, err := files.ReadFile(ctx, name, m.Name, path.Join(dir, fixtureCert))
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		end, err := certs.SelfSignedUntil(was)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", m.Name, use, err)
		}
		if within := o.within.duration(); within > 0 && end.Sub(a.now()) > within {
			continue
		}
		made, err := certs.RenewSelfSigned(was, a.now(), o.keys.lifetime, a.random)
		if err == nil {
			err = files.ReplaceFiles(ctx, name, m.Name, dir, map[string][]byte{fixtureKey: made.Key, fixtureCert: made.Cert})
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		renewed, until = append(renewed, use), made.Until
	}
	if len(renewed) == 0 {
		a.say("%s: ends late enough", m.Name)
		return nil
	}
	a.say("%s: %s renewed, until %s", m.Name, strings.Join(renewed, " and "), until.UTC().Format(time.DateOnly))
	return nil
}

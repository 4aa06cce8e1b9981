package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2/maybe"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/stack"
)

// Files of auto-TLS, which etcd keeps with a member's data.
const (
	fixturesFolder = "fixtures"
	fixtureCert    = "cert.pem"
	fixtureKey     = "key.pem"
)

// fixtures are a member's certificates of auto-TLS, where it finds them.
type fixtures struct {
	read    func(ctx context.Context, file string) ([]byte, error)
	replace func(ctx context.Context, dir string, files map[string][]byte) error
}

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
	r, err := a.reach(ctx, o.stack.cluster, stack.AutoRoute)
	if err != nil {
		return err
	}
	defer r.close(a)
	if r.cluster.TLS != cluster.AutoTLS {
		return usage(fmt.Errorf("tls: %s has no certificates that etcd has made up: leave --tls auto out", r.cluster.TLS))
	}
	members, err := chosenMembers(r.cluster, names)
	if err != nil {
		return err
	}
	at, err := r.fixtures(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range members {
		errs = append(errs, o.renewFixtures(ctx, a, m, at[m.Name]))
	}
	return errors.Join(errs...)
}

func chosenMembers(c *cluster.Cluster, names []string) ([]cluster.Member, error) {
	var errs []error
	for _, n := range names {
		_, err := findMember(c, n)
		errs = append(errs, err)
	}
	chosen := slices.DeleteFunc(slices.Clone(c.Members), func(m cluster.Member) bool {
		return len(names) > 0 && !slices.Contains(names, m.Name)
	})
	return chosen, errors.Join(errs...)
}

func (o certsRenewOptions) renewFixtures(ctx context.Context, a *app, m cluster.Member, at fixtures) error {
	var renewed []string
	var until time.Time
	for _, use := range []string{"client", "peer"} {
		dir := path.Join(filepath.ToSlash(m.Settings.Get("data-dir")), fixturesFolder, use)
		was, err := at.read(ctx, path.Join(dir, fixtureCert))
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
			err = at.replace(ctx, dir, map[string][]byte{fixtureKey: made.Key, fixtureCert: made.Cert})
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

// fixtures are those of each member.
func (r *running) fixtures(ctx context.Context) (map[string]fixtures, error) {
	at := map[string]fixtures{}
	if r.processes != nil {
		for _, m := range r.cluster.Members {
			at[m.Name] = fixtures{
				read:    func(_ context.Context, file string) ([]byte, error) { return os.ReadFile(filepath.FromSlash(file)) },
				replace: replaceHere,
			}
		}
		return at, nil
	}
	s, err := stack.Observe(ctx, r.engine, r.cluster.Name)
	if err != nil {
		return nil, err
	}
	for _, c := range s.Members() {
		at[c.Service] = fixtures{
			read: func(ctx context.Context, file string) ([]byte, error) { return stack.ReadFile(ctx, r.engine, c, file) },
			replace: func(ctx context.Context, dir string, files map[string][]byte) error {
				return stack.ReplaceFiles(ctx, r.engine, c, dir, files)
			},
		}
	}
	for _, m := range r.cluster.Members {
		if at[m.Name].read == nil {
			return nil, withHint(fmt.Errorf("%s has no container", m.Name), "start it with `etcdctr up`")
		}
	}
	return at, nil
}

func replaceHere(_ context.Context, dir string, files map[string][]byte) error {
	var errs []error
	for name, data := range files {
		errs = append(errs, maybe.WriteFile(filepath.Join(filepath.FromSlash(dir), name), data, 0o600))
	}
	return errors.Join(errs...)
}

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
)

func (a *app) pki(dir string) *certs.PKI {
	return &certs.PKI{Dir: dir, Now: a.now, Random: a.random}
}

// certsError says which folder an error of the PKI is about.
func certsError(dir string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("certificates in %s: %w", dir, err)
}

// tellOldCopies says which members have other certificates on their machines than are
// here. Only machines that a description names are asked.
func (f *clusterFlags) tellOldCopies(ctx context.Context, a *app) {
	spec, _, err := f.read(a)
	if err != nil || !spec.HasEngines() {
		return
	}
	old, err := f.oldCopies(ctx, a)
	if err != nil {
		a.warn("what members have on their machines is not known: %v", err)
	}
	a.sayOldCopies(old)
}

func (f *clusterFlags) oldCopies(ctx context.Context, a *app) ([]string, error) {
	c, err := f.find(ctx, a, working{progress: terminal.Quiet})
	if err != nil {
		return nil, err
	}
	defer c.close()
	return c.OldCopies(ctx)
}

func (a *app) sayOldCopies(members []string) {
	if len(members) > 0 {
		a.say("%s: what is on the machine is other certificates than here: `etcdctr up` brings these there, without a restart", strings.Join(members, ", "))
	}
}

// withCerts gives a cluster that may run, and the folder of its certificates.
func (f *clusterFlags) withCerts(a *app) (*cluster.Cluster, string, error) {
	c, err := f.resolveAsRun(a)
	if err != nil {
		return nil, "", err
	}
	dir, err := f.certificatesAsRun(a)
	return c, dir, err
}

package etcdctr

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file looks at the files of certificates that members read. What a member shows at its
// ports does not tell of them: links to peers that stand need no handshake.

// reading are the members that run and read the files of the cluster's folder themselves:
// those of a swarm, of another machine and of an engine that does not see them have copies.
func (c *Cluster) reading(ctx context.Context, want *cluster.Cluster, have *runtime.State) []string {
	if want == nil || want.TLS != cluster.Mutual || runtime.KeepsFiles(c.runtime) {
		return nil
	}
	var copied []string
	if t, ok := c.runtime.(runtime.CopyTeller); ok {
		var err error
		if copied, err = t.OldCopies(ctx, want); err != nil {
			return nil // of files that are not here, too
		}
	}
	var all []string
	for _, s := range running(have) {
		if s.Host == "" && !slices.Contains(copied, s.Name) {
			all = append(all, s.Name)
		}
	}
	return all
}

// judgeFiles warns of members that would not start again with the files that there are.
func (c *Cluster) judgeFiles(ctx context.Context, want *cluster.Cluster, have *runtime.State) []string {
	readers := c.reading(ctx, want, have)
	if len(readers) == 0 {
		return nil
	}
	return c.unusableTo(want, readers)
}

// unusableTo tells of files of members that they do not start with.
func (c *Cluster) unusableTo(want *cluster.Cluster, readers []string) []string {
	plan := CertsPlan(want)
	plan.Clients = nil
	findings, err := c.PKI().Verify(certs.VerifyOptions{Plan: &plan, Shown: true})
	if err != nil {
		return nil // who asks the members has read its own
	}
	var all []string
	for _, f := range findings {
		for _, member := range readers {
			if f.Unusable && strings.HasPrefix(f.Identity, "members/"+member+"/") {
				all = append(all, fmt.Sprintf("%s: %s, and %s will not start with that: %s", f.Identity, f.Problem, member, f.Remedy))
			}
		}
	}
	return all
}

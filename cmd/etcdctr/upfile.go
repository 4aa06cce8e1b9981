package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime/docker"
)

// upFile brings about what a Compose file says, which etcdctr has made.
func (o upOptions) upFile(ctx context.Context, a *app) error {
	data, err := os.ReadFile(o.fileCompose)
	if err != nil {
		return usage(fmt.Errorf("cannot read the Compose file: %w", err))
	}
	path, err := filepath.Abs(o.fileCompose)
	if err != nil {
		return fmt.Errorf("cannot find the current folder: %w", err)
	}
	if o.working.with.File, err = readComposeFile(ctx, path, data); err != nil {
		if errors.Is(err, docker.ErrNoMember) {
			return withHint(usage(err), "`etcdctr lint %s` judges what others wrote, and `docker compose up` starts it", compose.QuoteShell(o.fileCompose))
		}
		return usage(err)
	}
	o.working.with.Wait = o.waitTimeout
	cs, e, err := a.clusters(o.cluster, o.working)
	if err != nil {
		return err
	}
	c, err := cs.Find(ctx, cluster.Spec{Name: o.working.with.File.Name(), Runtime: string(cluster.Docker), CertsDir: o.working.with.File.CertsDir})
	if err != nil {
		e.close()
		return err
	}
	f := &found{Cluster: c, flags: o.cluster, board: e.board, engines: e}
	defer f.close()
	change := etcdctr.Change{Verb: converge.Up, Keep: o.keep, Wait: o.waitTimeout}
	if o.dryRun {
		return a.printPlan(ctx, f, change, o.format)
	}
	return f.carryOut(ctx, a, o.cluster, change)
}

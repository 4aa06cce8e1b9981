package etcdctr

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file deletes what restorations and replacements have set aside.

// ErrNotDiscarder is the error of a runtime that can't delete what was set aside.
var ErrNotDiscarder = errors.New("nothing is set aside that could be deleted from here")

// Aside is all that was set aside of the members, server by server and the newest first of
// each. Its error is a *converge.Refusal where that may not be deleted now, which says why,
// and comes with the list; and ErrNotDiscarder where the runtime sets nothing aside itself.
func (c *Cluster) Aside(ctx context.Context) ([]runtime.Aside, error) {
	d, err := c.discarder()
	if err != nil {
		return nil, err
	}
	have, err := c.Observe(ctx)
	if err != nil {
		return nil, err
	}
	all, err := d.AllAside(ctx, have.Name)
	if err != nil || len(all) == 0 {
		return all, err
	}
	return all, c.mayDiscard(ctx, have)
}

// Discard deletes what was set aside, after consent has been asked of what Aside gives; nil
// asks nobody. It tells what it has deleted, also where it is ended in the middle: the same
// call goes on then. While the cluster is not healthy, or a restoration was not finished,
// nothing is deleted, and the error is a *converge.Refusal; it is an *OtherFolderError
// where the cluster is none of this folder's.
func (c *Cluster) Discard(ctx context.Context, consent func(context.Context, []runtime.Aside) error) ([]runtime.Aside, error) {
	if err := c.CheckHere(c.have); err != nil {
		return nil, err
	}
	all, err := c.Aside(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	if consent != nil {
		if err := consent(ctx, all); err != nil {
			return nil, err
		}
	}
	name := c.spec.ClusterName()
	release, err := c.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	now, err := c.Aside(ctx) // another command may have been at it since
	if err != nil {
		return nil, err
	}
	d, err := c.discarder()
	if err != nil {
		return nil, err
	}
	var gone []runtime.Aside
	for _, a := range oldestFirst(all) {
		if !slices.ContainsFunc(now, func(x runtime.Aside) bool { return x.Server == a.Server && x.Where == a.Where }) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return gone, err
		}
		if err := d.Discard(ctx, name, a); err != nil {
			return gone, err
		}
		gone = append(gone, a)
	}
	return gone, nil
}

func (c *Cluster) discarder() (runtime.Discarder, error) {
	d, ok := c.runtime.(runtime.Discarder)
	if !ok {
		return nil, fmt.Errorf("runtime %s: %w", c.runtime.Name(), ErrNotDiscarder)
	}
	return d, nil
}

// mayDiscard looks whether what was set aside may be deleted.
func (c *Cluster) mayDiscard(ctx context.Context, have *runtime.State) error {
	have, err := runtime.WithRestoring(ctx, c.runtime, have)
	if err != nil {
		return err
	}
	var report health.Report
	var unasked error
	if have.Runs() {
		want, err := c.Want(ctx)
		if err != nil {
			return err
		}
		w := c.Watch(WatchOptions{Want: want})
		defer w.Leave()
		report, unasked = w.Check(ctx)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return refuseDiscard(have, report, unasked)
}

// refuseDiscard tells what stands against deleting what was set aside: only of a cluster
// that is well it is known that nobody needs it. Unasked is why its members could not be
// asked.
func refuseDiscard(have *runtime.State, report health.Report, unasked error) error {
	if unfinished := converge.Unfinished(have); unfinished != nil {
		return unfinished
	}
	why, remedy := "", converge.Remedy{Command: []string{"doctor"}, Text: "names what helps"}
	switch {
	case !have.Runs():
		why, remedy = "no member runs", converge.Remedy{Command: []string{"up"}, Text: "starts them"}
	case unasked != nil:
		why = unasked.Error()
	case len(report.Failures) > 0:
		why = report.Failures[0]
	case report.Serving() == 0:
		why = "no member serves"
	default:
		return nil
	}
	return &converge.Refusal{
		Reason: fmt.Sprintf("%s is not healthy, and what was set aside may be the last good copy of its data: %s", have.Name, why),
		Remedy: remedy,
	}
}

// oldestFirst is the order in which what was set aside is deleted: what was set aside last
// of any member goes once all that was before is gone, so that whoever is ended in the
// middle leaves the last of all of them, which leads back, as long as can be.
func oldestFirst(all []runtime.Aside) []runtime.Aside {
	type ranked struct {
		runtime.Aside
		newer int // of the same member
	}
	var ranks []ranked
	before := map[string]int{}
	for _, a := range all {
		ranks = append(ranks, ranked{a, before[a.Server]})
		before[a.Server]++
	}
	slices.SortStableFunc(ranks, func(a, b ranked) int { return b.newer - a.newer })
	var sorted []runtime.Aside
	for _, r := range ranks {
		sorted = append(sorted, r.Aside)
	}
	return sorted
}

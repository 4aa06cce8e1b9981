package etcdctr

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/etcdctr/etcdctr/logs"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file reads what the servers of a cluster say.

// Said gives what servers have said so far, in the order of time. With o.Follow it goes
// on with what they say next, one entry at a time, until ctx ends.
func (c *Cluster) Said(ctx context.Context, o runtime.LogOptions, soFar func([]logs.Entry), next func(logs.Entry)) error {
	began, until := c.o.Now(), o
	until.Follow = false
	var said []runtime.Line
	if err := c.runtime.Logs(ctx, c.spec.ClusterName(), until, func(l runtime.Line) { said = append(said, l) }); err != nil {
		return err
	}
	all := make([]logs.Entry, len(said))
	for i, l := range said {
		all[i] = logs.Read(l.Server, l.Text, l.Time)
	}
	slices.SortStableFunc(all, func(a, b logs.Entry) int { return a.Time.Compare(b.Time) })
	soFar(all)
	if !o.Follow {
		return nil
	}
	return c.listen(ctx, o, began, said, next)
}

// introducing is how many last lines of each server are looked through for who it is.
const introducing = 1000

// Introduced gives entries in which members say who they are, whatever is wanted of what
// they say: others write their IDs. What can't be read is left out.
func (c *Cluster) Introduced(ctx context.Context, learn func(logs.Entry)) {
	_ = c.runtime.Logs(ctx, c.spec.ClusterName(), runtime.LogOptions{Tail: introducing}, func(l runtime.Line) { // names are no matter of life and death
		learn(logs.Read(l.Server, l.Text, l.Time))
	})
}

// listen goes on where said ended, which was read since began. It asks again from the
// moment on that it has heard of all servers, and leaves out what it knows.
func (c *Cluster) listen(ctx context.Context, o runtime.LogOptions, began time.Time, said []runtime.Line, hear func(logs.Entry)) error {
	last := map[string]time.Time{}
	for _, server := range o.Servers {
		last[server] = o.Since
		if o.Tail >= 0 {
			last[server] = began
		}
	}
	for _, l := range said {
		last[l.Server] = l.Time
	}
	if len(last) > 0 {
		o.Since = slices.MinFunc(slices.Collect(maps.Values(last)), time.Time.Compare)
	}
	o.Tail = -1
	known := map[runtime.Line]int{}
	for _, l := range said {
		known[l]++
	}
	return c.runtime.Logs(ctx, c.spec.ClusterName(), o, func(l runtime.Line) {
		if known[l] > 0 {
			known[l]--
			return
		}
		if l.Time.Before(last[l.Server]) {
			return // before the tail
		}
		hear(logs.Read(l.Server, l.Text, l.Time))
	})
}

package etcdctr

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/listed"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file tells a cluster that is gone from one that is elsewhere: on the engine, or in the
// swarm, that was asked before another one was chosen, or has taken its place.

// ElsewhereServedError warns of a cluster that is not there, and that has served from this
// folder on another engine, or in another swarm.
type ElsewhereServedError struct {
	Name, Runtime string
	// Here is where it was looked for, and Before are the places where it has served; none
	// where that was Here, and another engine, or swarm, answers there now.
	Here   string
	Before []string
}

func (e *ElsewhereServedError) Error() string {
	if len(e.Before) == 0 {
		what, still := "engine", "with that one"
		if e.Runtime == string(cluster.Swarm) {
			what, still = "swarm", "in volumes of its nodes"
		}
		return fmt.Sprintf("%s has served from this folder, and another %s answers now at %s than the one that it was on: its data is not seen from here, and may be %s still", e.Name, what, e.Here, still)
	}
	return fmt.Sprintf("%s has served from this folder on %s, and there is nothing of it on %s, which is asked now: what it has there stays there", e.Name, listed.And(e.Before), e.Here)
}

// idKind is how the line is called that notes what has answered where the cluster has served.
const idKind = " id "

func idBegins(r runtime.Runtime) string { return r.Name() + idKind }

// isIdentity tells of the line with what has answered at a place.
func isIdentity(r runtime.Runtime, o Options, line string) bool {
	return strings.HasPrefix(line, idBegins(r)) && strings.HasSuffix(line, " "+o.StepsOf(r))
}

// noteIdentity notes what answers where the cluster serves. What can't tell is told apart by
// its place alone.
func (c *Cluster) noteIdentity(ctx context.Context) error {
	name := c.spec.ClusterName()
	lines := c.o.placesLines(name)
	noted := func(line string) bool { return isIdentity(c.runtime, c.o, line) }
	if slices.ContainsFunc(lines, noted) && !c.another { // it is not asked each time
		return nil
	}
	id := runtime.IdentityOf(ctx, c.runtime)
	if id == "" {
		return nil
	}
	c.another = false
	line := idBegins(c.runtime) + id + " " + c.o.StepsOf(c.runtime)
	return c.o.writePlaces(name, append(slices.DeleteFunc(lines, noted), line))
}

// hasServedOnThis is hasServed on what answers now. Where something is there of the cluster,
// that is it.
func (c *Cluster) hasServedOnThis(ctx context.Context) bool {
	return c.hasServed() && (len(c.have.Members()) > 0 || !c.isOnAnother(ctx))
}

// isOnAnother is isAnother of what runs the cluster, and has that noted once it serves.
func (c *Cluster) isOnAnother(ctx context.Context) bool {
	c.another = c.another || c.isAnother(ctx, c.runtime)
	return c.another
}

// isAnother tells that what answers at a place is not what was noted there.
func (c *Cluster) isAnother(ctx context.Context, r runtime.Runtime) bool {
	if r == nil {
		return false
	}
	lines := c.o.placesLines(c.spec.ClusterName())
	i := slices.IndexFunc(lines, func(line string) bool { return isIdentity(r, c.o, line) })
	if i < 0 {
		return false
	}
	was := strings.TrimSuffix(strings.TrimPrefix(lines[i], idBegins(r)), " "+c.o.StepsOf(r))
	is := runtime.IdentityOf(ctx, r)
	return is != "" && is != was
}

// chooseAnew is choose of what is to run a cluster that is not there, with what is to be known
// of where it was. An engine may have left the swarm that has it.
func (c *Cluster) chooseAnew(ctx context.Context, want cluster.Runtime, away map[string]error) error {
	err := c.choose(want, away)
	left, name := away[string(cluster.Swarm)], c.spec.ClusterName()
	switch {
	case err != nil && want == cluster.Swarm && left != nil && slices.Contains(c.o.placed(name), string(want)):
		return &AwayError{Name: name, Runtime: string(want), Err: left}
	case err != nil:
		return err
	}
	if served := c.servedElsewhere(ctx); served != nil {
		c.o.Events(Event{Warning: served})
	}
	return nil
}

// servedElsewhere is an *ElsewhereServedError of a cluster that is not there; nil where it
// has not served elsewhere.
func (c *Cluster) servedElsewhere(ctx context.Context) error {
	noted := c.o.placesLines(c.spec.ClusterName())
	for _, r := range c.o.Runtimes {
		here := servedOn(r, c.o)
		if !accepts(cluster.Runtime(c.spec.Runtime), r.Name()) || !isEngine(here) {
			continue
		}
		e := &ElsewhereServedError{Name: c.spec.ClusterName(), Runtime: r.Name(), Here: placeIn(r, here)}
		for _, line := range noted {
			if strings.HasPrefix(line, r.Name()+servedKind) && line != here && isEngine(line) {
				e.Before = append(e.Before, placeIn(r, line))
			}
		}
		switch there := slices.Contains(noted, here); {
		case there && c.isAnother(ctx, r):
			e.Before = nil
			return e
		case !there && len(e.Before) > 0:
			return e
		}
	}
	return nil
}

// isEngine tells the place of an engine from that of processes and machines, which is a folder,
// and may have been called otherwise before.
func isEngine(line string) bool { return strings.Contains(line, "://") }

// placeIn is the place that a line with served tells of.
func placeIn(r runtime.Runtime, line string) string {
	return strings.TrimPrefix(strings.TrimPrefix(line, r.Name()+servedKind), r.Name()+" ")
}

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

// This file tells of data that is not where it was, before a start takes it for lost.

// WithoutDataError tells of members that start without data, of a cluster of which no
// member runs and most have theirs. What of it was only renamed, or lies elsewhere, is of no
// use any more once they have joined anew.
type WithoutDataError struct {
	Members []string // without data
	Others  []string // that have theirs
}

func (e *WithoutDataError) Error() string {
	n := len(e.Members)
	return fmt.Sprintf("%s %s no data, and %s have theirs: %s the cluster anew, with what those hold; where some of %s was moved or renamed, put that back before",
		strings.Join(e.Members, ", "), listed.Of(n, "has", "have"), strings.Join(e.Others, ", "), listed.Of(n, "it joins", "they join"), listed.Of(n, "its own", "theirs"))
}

// WithoutData is a *WithoutDataError where making the cluster as wanted would start it without
// the data of some; else nil. Where too few have theirs that is refused anyway, and what
// a runtime can't see nobody misses.
func (c *Cluster) WithoutData(ctx context.Context) error {
	if !c.lies() {
		return nil
	}
	want, err := c.Want(ctx)
	if err != nil {
		return err
	}
	return c.withoutData(want)
}

// lies tells that there is something of the cluster, and that nothing of it runs.
func (c *Cluster) lies() bool { return c.have != nil && !c.have.Runs() && c.spec.Adopts == "" }

func (c *Cluster) withoutData(want *cluster.Cluster) error {
	if !c.lies() || want.Data == cluster.Memory || !runtime.SeesData(c.runtime) {
		return nil
	}
	if e := withoutData(want, c.have); 2*len(e.Others) > len(want.Members) && len(e.Members) > 0 {
		return e
	}
	return nil
}

// withoutData tells members that have no data, and were there as far as those that have tell, from
// those others.
func withoutData(want *cluster.Cluster, have *runtime.State) *WithoutDataError {
	var told []string
	for _, m := range have.Members() {
		told = append(told, m.Told()...)
	}
	e := &WithoutDataError{}
	for _, m := range want.Members {
		switch s, _ := have.Server(m.Name); {
		case s.Status == runtime.Away || s.Data == runtime.Volatile:
		case s.KeepsData():
			e.Others = append(e.Others, m.Name)
		case len(told) == 0 || slices.Contains(told, m.Name):
			e.Members = append(e.Members, m.Name)
		}
	}
	return e
}

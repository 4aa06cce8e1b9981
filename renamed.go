package etcdctr

import (
	"context"
	"fmt"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/listed"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file tells a cluster that has never been from one whose name was changed in its file.

// OtherNameError is the runtime.ErrNotFound of a cluster that has never been, and that a file
// names in a folder that others were started from: whoever has changed the name there may mean
// one of these, and would found an empty one beside it.
type OtherNameError struct {
	Name string
	Here []string // the others, which are there
}

func (e *OtherNameError) Error() string {
	return fmt.Sprintf("there is no cluster %s, and there has been none: what was started from this folder is called %s, and is there", e.Name, listed.And(e.Here))
}

// Unwrap makes it the error of a cluster that is not there.
func (e *OtherNameError) Unwrap() error { return &runtime.NotFoundError{Name: e.Name} }

// Remedy is what can be done about it.
func (e *OtherNameError) Remedy() string {
	backup := Typed([]string{"backup", "--name", e.Here[0]})
	return fmt.Sprintf("--name %[1]s, or `name: %[1]s` in the cluster file, means that one; `%[2]s` and `etcdctr restore` of that backup bring what it holds to %[3]s; `etcdctr up` makes %[3]s beside it, new and empty", e.Here[0], backup, e.Name)
}

// OtherName is an *OtherNameError where making the cluster would found it, as one that has never
// been, in a folder of others; else nil. One that a flag has named is meant.
func (c *Cluster) OtherName() error {
	if c.renamed == nil {
		return nil
	}
	return c.renamed
}

// otherName looks for others of the folder; nil for none.
func (cs *Clusters) otherName(ctx context.Context, spec cluster.Spec) *OtherNameError {
	if spec.Name == "" || spec.NameIsSaid() || spec.Adopts != "" || cs.o.Provided || len(cs.o.placed(spec.Name)) > 0 {
		return nil
	}
	here := cs.namesHere(ctx, spec.Name, cluster.AnyRuntime)
	if len(here) == 0 {
		return nil
	}
	return &OtherNameError{Name: spec.Name, Here: here}
}

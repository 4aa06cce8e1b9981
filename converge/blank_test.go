package converge_test

import (
	"context"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/converge"
)

// lookedInto is a runtime that can look into data.
type lookedInto struct {
	*fake
	blank bool
}

func (l lookedInto) Blank(context.Context, string, string) (bool, error) { return l.blank, nil }

// A member of a file of more than there were may have begun a cluster of its own: nothing is in
// what it has.
func TestDataThatNoClusterCameOfIsNotCalledWhatItWasNot(t *testing.T) {
	for _, blank := range []bool{true, false} {
		f := &fake{world: world{want: 3, minor: 7, agreed: 7, stored: 7, founders: 3}}
		for slot, kind := range []string{"serving", "removed", "serving"} {
			for _, k := range kinds {
				if k.name == kind {
					k.put(&f.world, slot)
				}
			}
		}
		f.world.settle()
		hands, cause := f.hands(), ""
		hands.Runtime = lookedInto{f, blank}
		hands.Tell = func(e converge.Event) {
			if e.Kind == converge.Begins && e.Step.Kind == converge.SetAside {
				cause = e.Step.Cause
			}
		}
		if _, err := hands.Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up})); err != nil {
			t.Fatal(err)
		}
		if cause == "" || strings.Contains(cause, "no cluster came of it") != blank {
			t.Errorf("blank %v: it is set aside as %q", blank, cause)
		}
	}
}

//go:build unix

package etcdctr_test

import (
	"slices"
	"testing"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/converge"
)

// What a command goes by is what others have left when its turn comes: members that one of
// them has deleted are not founded as those had joined, nor missed.
func TestAClusterThatAnotherCommandDeletesMeanwhileIsFoundedAnew(t *testing.T) {
	r := remember(t)
	r.up()
	r.members = 2
	r.up()
	late := r.find()
	if _, err := r.find().Down(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	outcome, err := late.Make(t.Context(), etcdctr.Change{Verb: converge.Up})
	if err != nil || late.Emptied() != nil {
		t.Errorf("up: %v, %v", err, late.Emptied())
	}
	if i := slices.IndexFunc(outcome.Done, func(s converge.Step) bool { return s.Kind == converge.AddLearner }); i >= 0 {
		t.Errorf("the members were founded apart: %v", outcome.Done)
	}
}

// What flags said of a cluster is said as of now, and not as of before another command.
func TestWhatAnotherCommandWasToldMeanwhileIsRecalled(t *testing.T) {
	r := remember(t)
	r.members = 0
	r.say("members", "1")
	r.up()
	r.said = nil
	late := r.find()
	r.say("members", "2")
	r.up()
	outcome, err := late.Make(t.Context(), etcdctr.Change{Verb: converge.Up})
	if err != nil || len(outcome.Have.Members()) != 2 || len(outcome.Done) > 0 {
		t.Errorf("up: %v, %v", outcome.Done, err)
	}
}

package converge_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/converge"
)

func TestEveryPlanHasAnEnd(t *testing.T) {
	verbs := []converge.Asked{
		{Verb: converge.Up},
		{Verb: converge.Start},
		{Verb: converge.Stop},
		{Verb: converge.Restart},
		{Verb: converge.Down},
		{Verb: converge.Replace, Servers: []string{"etcd1"}},
		{Verb: converge.Replace, Servers: []string{"etcd1", "etcd2"}},
	}
	for _, w := range every(func(members int) int { return min(members, 1) }) {
		w.settle()
		for _, asked := range verbs {
			steps, err := converge.Plan(w.situation(asked, nil))
			var refusal *converge.Refusal
			if err != nil && !errors.As(err, &refusal) {
				t.Fatalf("%s: %v\nfrom %s\n%s", asked.Verb, err, w, steps[:min(len(steps), 22)])
			}
		}
	}
}

// Nobody takes over from members that are all stopped: waiting for clients' streams
// would only make everybody wait.
func TestAStopOfAllWaitsForNoStreams(t *testing.T) {
	for _, verb := range []converge.Verb{converge.Stop, converge.Down} {
		s := onMachines()
		s.Asked.Verb = verb
		steps, err := converge.Plan(s)
		if err != nil {
			t.Fatal(err)
		}
		stopped := 0
		for _, step := range steps {
			if step.Kind == converge.End {
				stopped += len(step.Servers)
				if step.Grace <= 0 || step.Grace > 2*time.Second {
					t.Errorf("%s: %s has a grace of %s", verb, strings.Join(step.Servers, ", "), step.Grace)
				}
			}
		}
		if stopped != 3 {
			t.Errorf("%s stops %d members, want 3", verb, stopped)
		}
	}
}

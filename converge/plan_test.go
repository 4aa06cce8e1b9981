package converge_test

import (
	"errors"
	"testing"

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

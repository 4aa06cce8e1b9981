package cluster_test

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
)

// TestEveryWordOfAClosedChoiceIsOne wants each word taken, its default to be one of
// them, and whatever else to be refused with all of them.
func TestEveryWordOfAClosedChoiceIsOne(t *testing.T) {
	for _, c := range cluster.ClosedChoices() {
		said := func(word string) cluster.Problems {
			var spec cluster.Spec
			spec.Say(c.Key, word)
			_, err := cluster.Resolve(spec, cluster.InContainers)
			var about cluster.Problems
			problems, _ := err.(cluster.Problems) //nolint:errorlint // Resolve's errors are nothing else
			for _, p := range problems {
				if p.Path == c.Key {
					about = append(about, p)
				}
			}
			return about
		}
		for _, word := range c.Takes() {
			if got := said(word); got != nil {
				t.Errorf("%s: %s is no word of it: %v", c.Key, word, got)
			}
		}
		if len(said("nope")) != 1 {
			t.Errorf("%s takes any word", c.Key)
		}
	}
}

// TestClosedChoicesStandInTheirDefault wants the default of a closed choice to be what
// comes of saying nothing.
func TestClosedChoicesStandInTheirDefault(t *testing.T) {
	something := cluster.Spec{Backup: cluster.BackupSpec{Destination: "backups"}} // whose keys are nothing without it
	silent, err := cluster.Resolve(something, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cluster.ClosedChoices() {
		if c.Default == "" {
			continue
		}
		spec := something
		spec.Say(c.Key, c.Default)
		said, err := cluster.Resolve(spec, cluster.InContainers)
		if err != nil {
			t.Fatal(err)
		}
		said.Spec = silent.Spec
		if diff := cmp.Diff(silent, said, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
			t.Errorf("%s: saying %s is not saying nothing (-nothing +said):\n%s", c.Key, c.Default, diff)
		}
	}
}

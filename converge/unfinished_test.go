package converge_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// mixed are all worlds of three members of which a restoration has come to some and not
// to the others, whether somebody has started any of them by hand or not, and with what
// nobody has in place in between.
func mixed() []world {
	var all []world
	kinds := []node{
		{status: stopped, data: 1}, {status: gone, data: 2}, {status: stopped}, {status: runs, data: 3, ill: true}, {status: created},
	}
	for i := range kinds {
		for j := range kinds {
			for k := range kinds {
				w := world{want: 3, minor: 7, agreed: 7, stored: 7}
				for slot, kind := range []int{i, j, k} {
					n := kinds[kind]
					n.minor, n.told = 7, 3
					w.nodes[slot] = n
				}
				all = append(all, w)
			}
		}
	}
	return all
}

// Whatever a restoration that was not finished has left, and whoever runs: nobody is
// started, replaced or founded, and both ways on are named.
func TestNothingIsStartedBeforeARestorationIsFinished(t *testing.T) {
	by := &runtime.Restoration{ID: "one", Again: []string{"restore", "/kept.tar.zst"}}
	for _, w := range mixed() {
		for _, verb := range []converge.Verb{converge.Up, converge.Start, converge.Restart, converge.Replace} {
			asked := converge.Asked{Verb: verb}
			if verb == converge.Replace {
				asked.Servers = []string{name(0)}
			}
			for waiting := range 3 {
				s := w.situation(asked, nil)
				have := *s.Have
				have.Servers = slices.Clone(have.Servers)
				if waiting >= len(have.Servers) {
					continue
				}
				have.Servers[waiting].Restoring = by
				s.Have = &have
				_, err := converge.Plan(s)
				refusal := (*converge.Refusal)(nil)
				if step, more, _ := converge.Next(s); more {
					t.Fatalf("%s of\n%s\ndoes %v", verb, w, step)
				}
				if !errors.As(err, &refusal) || strings.Join(refusal.Remedy.Command, " ") != "restore /kept.tar.zst" ||
					!strings.Contains(refusal.Remedy.Text, "etcdctr restore --undo") {
					t.Fatalf("%s of\n%s\nis refused by %v, %+v", verb, w, err, refusal)
				}
			}
		}
	}
}

// To stop what was started by hand, and to take it all away, is no mix.
func TestWhatARestorationHasLeftCanBeStopped(t *testing.T) {
	for _, verb := range []converge.Verb{converge.Stop, converge.Down} {
		w := world{want: 3, minor: 7}
		for slot := range 3 {
			w.nodes[slot] = node{status: runs, data: int8(slot + 1), minor: 7, told: 3, ill: true}
		}
		s := w.situation(converge.Asked{Verb: verb}, nil)
		s.Have.Servers[1].Restoring = &runtime.Restoration{ID: "one"}
		if steps, err := converge.Plan(s); err != nil || len(steps) == 0 {
			t.Errorf("%s does %v, %v", verb, steps, err)
		}
	}
}

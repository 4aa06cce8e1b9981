package converge_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/converge"
)

// What keeps data stops nobody who has it only while it runs; what is asked to delete it
// does, and so does what gives the member the others' data.
func TestNobodyIsStoppedWhoseDataIsGoneWhileItRuns(t *testing.T) {
	for _, c := range []struct {
		asked   converge.Asked
		refused bool
	}{
		{converge.Asked{Verb: converge.Up}, true},
		{converge.Asked{Verb: converge.Up, Data: true}, true},
		{converge.Asked{Verb: converge.Restart}, true},
		{converge.Asked{Verb: converge.Restart, Servers: []string{name(1)}}, false},
		{converge.Asked{Verb: converge.Stop}, true},
		{converge.Asked{Verb: converge.Stop, Servers: []string{name(0)}}, true},
		{converge.Asked{Verb: converge.Down}, true},
		{converge.Asked{Verb: converge.Down, Data: true}, false},
		{converge.Asked{Verb: converge.Replace, Servers: []string{name(0)}}, false},
	} {
		w := serving(3, 3)
		s := w.situation(c.asked, nil)
		have := *s.Have
		have.Servers = slices.Clone(have.Servers)
		have.Servers[0].Unlinked = true
		s.Have = &have
		_, _, err := converge.Next(s)
		refusal := (*converge.Refusal)(nil)
		refused := errors.As(err, &refusal) && strings.Contains(refusal.Reason, "while it runs")
		if refused != c.refused {
			t.Errorf("%+v: %v, and it is refused: %t", c.asked, err, c.refused)
		}
		if refused && !slices.Equal(refusal.Remedy.Command, []string{"backup"}) {
			t.Errorf("%+v: what helps is %v", c.asked, refusal.Remedy)
		}
	}
}

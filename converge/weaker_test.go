package converge_test

import (
	"testing"

	"github.com/etcdctr/etcdctr/converge"
)

// What was protected from Docker Compose is so no more by a file that leaves that out, of
// members that run and of those of which only the data is there.
func TestAProtectionEndsOnlyWhereThatIsSaid(t *testing.T) {
	up := converge.Asked{Verb: converge.Up}
	for _, kind := range []string{"serving", "absent"} {
		w := &world{want: 3, minor: 7, agreed: 7, stored: 7, founders: 3}
		for slot := range 3 {
			put(t, w, slot, kind)
		}
		w.settle()
		s := w.situation(up, nil)
		s.Have.Servers[1].Protected = true
		wantRefusal(t, s, "this would make the cluster weaker: protect: true → false")

		s.Asked.Weaken = []string{"protect"}
		if _, err := converge.Plan(s); err != nil {
			t.Errorf("it is said, and: %v", err)
		}
		protected := *s.Want
		protected.Protect = true
		s.Asked.Weaken, s.Want = nil, &protected
		if _, err := converge.Plan(s); err != nil {
			t.Errorf("it stays, and: %v", err)
		}
	}
}

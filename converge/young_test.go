package converge_test

import (
	"testing"

	"github.com/etcdctr/etcdctr/converge"
)

// A leader that was elected before the last founder was there calls the cluster's version
// 3.0, and looks again seconds later. All serve meanwhile.
func TestOnlyAnotherReleaseWaitsForFoundersToAgreeOnTheirs(t *testing.T) {
	for name, tt := range map[string]struct {
		have, want int8
		first      string
	}{
		"the same":  {7, 7, ""},
		"the next":  {6, 7, "wait for the cluster version 3.6.0: all have to agree on the release that they run"},
		"the older": {7, 6, "wait for the cluster version 3.7.0: all have to agree on the release that they run"},
	} {
		t.Run(name, func(t *testing.T) {
			w := world{want: 3, minor: tt.want, agreed: tt.have, stored: tt.have, founders: 3}
			for slot := range 3 {
				put(t, &w, slot, "serving")
			}
			w.settle()
			s := w.situation(converge.Asked{Verb: converge.Up}, nil)
			for i := range s.Etcd.Endpoints {
				s.Etcd.Endpoints[i].ClusterVersion = "3.0.0"
			}
			s.Done = converge.Steps{{Kind: converge.Prepare, To: s.Want.Etcd.String()}}
			steps, err := converge.Plan(s)
			if err != nil {
				t.Fatal(err)
			}
			first := ""
			if len(steps) > 0 {
				first = steps[0].String()
			}
			if first != tt.first {
				t.Errorf("got %q, want %q", first, tt.first)
			}
		})
	}
}

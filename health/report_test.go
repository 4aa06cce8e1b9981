package health_test

import (
	"testing"

	"github.com/etcdctr/etcdctr/health"
)

// A member whose container is gone is one all the same.
func TestSizeIsThatOfTheMembershipWhereThatIsLarger(t *testing.T) {
	three := []health.KnownMember{{Name: "etcd1"}, {Name: "etcd2"}, {Name: "etcd3"}}
	for _, tt := range []struct {
		there, counted, want int
	}{{3, 3, 3}, {2, 3, 3}, {3, 2, 3}, {3, 0, 3}} {
		r := health.Report{Members: make([]health.MemberReport, tt.there), Membership: three[:tt.counted]}
		if got := r.Size(); got != tt.want {
			t.Errorf("%d are there and %d counted: got %d, want %d", tt.there, tt.counted, got, tt.want)
		}
	}
}

package converge_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/converge"
)

// An image may be called v3.7.3 and hold something else: then it runs as wanted,
// and is not what was wanted.
func TestWhatIsCalledByAnotherReleaseIsRefused(t *testing.T) {
	w := serving(3, 3)
	for i := range 3 {
		w.nodes[i].minor = 6
	}
	w.agreed, w.stored = 6, 6
	w.settle()
	s := w.situation(converge.Asked{Verb: converge.Up}, nil)
	s.Changes = nil
	_, _, err := converge.Next(s)
	if r := (*converge.Refusal)(nil); !errors.As(err, &r) || !strings.Contains(r.Remedy.Text, "etcd: 3.6") {
		t.Errorf("next is %v", err)
	}
}

package docker

import (
	"testing"

	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// Whoever asks about a state is answered of what was seen then: the engine, which is none
// here, is not asked again.
func TestAStateCarriesWhatWasSeen(t *testing.T) {
	r := New(Options{Folder: t.TempDir()})
	f := &found{project: "orders", state: &stack.State{Project: "orders"}}
	have := runtime.State{Name: "orders", Seen: f}
	s, _, err := r.seen(t.Context(), "orders", &have)
	if err != nil || s != f.state {
		t.Errorf("it is seen %v (%v), not what was observed", s, err)
	}
}

package health

import (
	"errors"
	"net"
	"slices"
	"testing"
)

func TestWhatIsTrueOfSeveralIsSaidOfSeveral(t *testing.T) {
	var f findings
	f.add("etcd1", "does not answer: it is stopped")
	f.add("etcd2", "does not answer: it is stopped")
	f.add("etcd3", "does not answer: dial tcp 10.0.0.3:2379")
	want := []string{"etcd1, etcd2: do not answer: they are stopped", "etcd3: does not answer: dial tcp 10.0.0.3:2379"}
	if got := f.lines(); !slices.Equal(got, want) {
		t.Errorf("it says %q, want %q", got, want)
	}
}

func TestWhatWasNeverDialledIsSaidWithoutDialling(t *testing.T) {
	why := errors.New("the engine holds no service etcd2 of orders")
	if got := knockError(&net.OpError{Op: "dial", Net: "tcp", Err: why}); !errors.Is(got, why) || got.Error() != why.Error() {
		t.Errorf("it says %v", got)
	}
}

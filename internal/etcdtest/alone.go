package etcdtest

import (
	"os"
	"sync"
	"testing"
)

// alone is what lies between tests that want to be alone: those of one process share it.
var alone struct {
	sync.Mutex
	tests int
	lock  *os.File
}

// HoldAlone waits until no other process's test has what there is only once, and has it
// until the test ends: the ports of this machine that members get where nothing is said,
// and addresses that are written down.
func HoldAlone(t *testing.T) {
	t.Helper()
	alone.Lock()
	defer alone.Unlock()
	if alone.tests == 0 {
		lock, err := lockNetwork()
		if err != nil {
			t.Fatalf("cannot wait for other tests: %v", err)
		}
		alone.lock = lock
	}
	alone.tests++
	t.Cleanup(func() {
		alone.Lock()
		defer alone.Unlock()
		if alone.tests--; alone.tests > 0 {
			return
		}
		if err := alone.lock.Close(); err != nil {
			t.Error(err)
		}
	})
}

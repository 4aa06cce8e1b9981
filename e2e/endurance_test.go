//go:build e2e && linux

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// What works once works again and again: clients write and watch all the while, no
// acknowledged write is lost, and nothing is left to do.

func TestAMemberIsReplacedTwentyTimes(t *testing.T) {
	const times = 20
	l, up := small(t, 5)
	plain := up("--etcd", minorRelease(5))
	l.etcdctr(plain...)
	u := startLoadOf(t, l.clientConfig(), requestTimeout)
	for i := range times {
		u.wantMore(settledUse)
		l.etcdctr("member", "replace", fmt.Sprintf("etcd%d", i%3+1))
		l.wantMembers(3)
	}
	u.finish()
	l.wantSameData()
	l.wantDone(plain)
}

// wantMembers wants so many members to be there, and healthy.
func (l *local) wantMembers(n int) {
	l.t.Helper()
	l.etcdctr("health")
	if there := len(l.state().Members); there != n {
		l.t.Errorf("%d members are there, %d are wanted", there, n)
	}
}

// wantSameData wants all members to hold the same.
func (l *local) wantSameData() {
	l.t.Helper()
	l.etcdctr("health", "--deep")
}

// wantDone wants nothing to be left to do.
func (l *local) wantDone(up []string) {
	l.t.Helper()
	l.wantMembers(3)
	if steps := l.etcdctr(append(up, "--dry-run", "--format", "json")...); strings.TrimSpace(steps) != "[]" {
		l.t.Errorf("something is left to do: %s", steps)
	}
}

//go:build e2e && linux

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/cluster"
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

// Five members come and go with a database that takes its time to be sent.
func TestMembersComeAndGoTenTimesWithALargeDatabase(t *testing.T) {
	const times, megabytes = 10, 200
	l, up := small(t, cluster.NewestMinor)
	of := func(members string) []string {
		return up("--etcd", minorRelease(cluster.NewestMinor), "--members", members)
	}
	l.etcdctr(of("3")...)
	config := l.clientConfig()
	fillWith(t, config, megabytes)
	u := startLoadOf(t, config, requestTimeout)
	for range times {
		u.wantMore(settledUse)
		l.etcdctr(of("5")...)
		l.wantMembers(5)
		l.etcdctr(append(of("3"), "--volumes", "--yes")...)
		l.wantMembers(3)
	}
	u.finish()
	l.wantSameData()
	l.wantDone(of("3"))
	l.wantNothingOf("etcd4", "etcd5")
}

func TestReleasesComeAndGoFiveTimes(t *testing.T) {
	const times = 5
	l, up := small(t, cluster.OldestMinor)
	of := func(minor int) []string { return up("--etcd", minorRelease(minor)) }
	l.etcdctr(of(cluster.OldestMinor)...)
	u := startLoadOf(t, l.clientConfig(), requestTimeout)
	for range times {
		for _, minor := range []int{cluster.NewestMinor, cluster.OldestMinor} {
			u.wantMore(settledUse)
			l.etcdctr(of(minor)...)
			l.wantMembers(3)
		}
	}
	u.finish()
	l.wantSameData()
	l.wantDone(of(cluster.OldestMinor))
}

// TestAMemberJoinsWithAGiB tells how long that takes.
func TestAMemberJoinsWithAGiB(t *testing.T) {
	const megabytes = 1 << 10
	p := onProcesses(t)
	p.set("quota-backend-bytes: 4GiB")
	p.up(cluster.NewestMinor, 3)
	fillWith(t, p.config(), megabytes)
	began := time.Now()
	p.up(cluster.NewestMinor, 4)
	t.Logf("a fourth member serves after %.1f s", time.Since(began).Seconds())
	p.wantMembers(4)
	p.wantSameData()
	p.wantNothingToDo(p.last...)
}

// fillWith writes so many keys of a megabyte.
func fillWith(t *testing.T, config clientv3.Config, megabytes int) {
	t.Helper()
	c, value := loadClient(t, config), strings.Repeat("x", 1<<20)
	for i := range megabytes {
		if _, err := c.Put(t.Context(), fmt.Sprintf("large/%04d", i), value); err != nil {
			t.Fatal(err)
		}
	}
}

// wantNothingOf wants no process of these members.
func (l *local) wantNothingOf(names ...string) {
	l.t.Helper()
	for _, m := range l.state().Members {
		if slices.Contains(names, m.Name) {
			l.t.Errorf("%s is still there", m.Name)
		}
	}
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
	l.wantNothingToDo(up...)
}

func (l *local) wantNothingToDo(up ...string) {
	l.t.Helper()
	if steps := l.etcdctr(append(up, "--dry-run", "--format", "json")...); strings.TrimSpace(steps) != "[]" {
		l.t.Errorf("something is left to do: %s", steps)
	}
}

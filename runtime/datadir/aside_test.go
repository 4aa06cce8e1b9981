package datadir_test

import (
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/runtime/datadir"
)

func TestWhatWasSetAsideTellsSince(t *testing.T) {
	const dir = "/srv/orders/etcd1/data"
	now := time.Date(2026, 11, 28, 13, 0, 0, 123e6, time.FixedZone("", 3600))
	name := datadir.Aside(dir, now)
	if want := dir + ".aside-20261128T120000.123Z"; name != want {
		t.Errorf("it is called %s, want %s", name, want)
	}
	for _, test := range []struct {
		name  string
		aside bool
		since time.Time
	}{
		{name, true, now},
		{name + "-2", true, now},
		{dir + ".aside-once", true, time.Time{}},
		{dir + datadir.DiscardingSuffix, false, time.Time{}},
		{dir + "2.aside-20261128T120000.123Z", false, time.Time{}},
	} {
		if aside, since := datadir.IsAside(dir, test.name), datadir.AsideSince(dir, test.name); aside != test.aside || !since.Equal(test.since) {
			t.Errorf("%s: set aside %v, since %v", test.name, aside, since)
		}
	}
}

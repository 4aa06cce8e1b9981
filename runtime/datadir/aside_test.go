package datadir_test

import (
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/runtime/datadir"
)

func TestWhatWasSetAsideTellsSince(t *testing.T) {
	const dir = "/srv/orders/etcd1/data"
	now := time.Date(2026, 11, 28, 13, 0, 0, 123e6, time.FixedZone("", 3600))
	name := datadir.Aside(dir, now, nil)
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

// The newest is what is brought back, and which that is their names alone tell.
func TestWhatIsSetAsideSortsBehindWhatWas(t *testing.T) {
	const dir = "data"
	now := time.Date(2026, 11, 28, 12, 0, 0, 123456789, time.UTC)
	for name, test := range map[string]struct {
		there []string
		want  string
	}{
		"the first":            {nil, "data.aside-20261128T120000.123Z"},
		"later than another":   {[]string{"data.aside-20261128T110000.000Z"}, "data.aside-20261128T120000.123Z"},
		"at the same moment":   {[]string{"data.aside-20261128T120000.123Z"}, "data.aside-20261128T120000.124Z"},
		"twice of a moment":    {[]string{"data.aside-20261128T120000.123Z-2", "data.aside-20261128T120000.123Z"}, "data.aside-20261128T120000.124Z"},
		"a clock was set back": {[]string{"data.aside-20261129T120000.000Z", "data.aside-20261128T110000.000Z"}, "data.aside-20261129T120000.001Z"},
		"a name of somebody's": {[]string{"data.aside-once"}, "data.aside-20261128T120000.123Z"},
	} {
		if got := datadir.Aside(dir, now, test.there); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

package datadir

import (
	"strings"
	"time"
)

// What was set aside of a data directory is beside it, under a name that says so, and since
// when; by these names they are sorted.
const (
	asideSuffix = ".aside-"
	asideFormat = "20060102T150405.000Z"
)

// DiscardingSuffix ends the name of data that was set aside and is being deleted: half of
// it is not to be brought back.
const DiscardingSuffix = ".discarding"

// Aside is the name that a data directory gets when it is set aside: none of those that
// are there, and behind all of them, whatever a clock says that was set back.
func Aside(dir string, now time.Time, there []string) string {
	for _, name := range there {
		if since := AsideSince(dir, name); !now.Truncate(time.Millisecond).After(since) {
			now = since.Add(time.Millisecond)
		}
	}
	return dir + asideSuffix + now.UTC().Format(asideFormat)
}

// IsAside reports whether something was set aside of a data directory, by its name.
func IsAside(dir, name string) bool { return strings.HasPrefix(name, dir+asideSuffix) }

// AsideSince reads from its name when something was set aside; zero where that does not say.
func AsideSince(dir, name string) time.Time {
	text, _ := strings.CutPrefix(name, dir+asideSuffix)
	since, err := time.Parse(asideFormat, text[:min(len(text), len(asideFormat))])
	if err != nil {
		return time.Time{}
	}
	return since
}

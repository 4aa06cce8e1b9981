package lint

import (
	"strings"
	"testing"
)

// One minor too many at once is what the finding warns of.
func TestAMovingTagIsReplacedByAReleaseThatTheDataGoesWith(t *testing.T) {
	for tag, want := range map[string]string{
		"3.5": "such as v3.5.", "v3.6": "such as v3.6.", "latest": "the whole release that it is now", "": "the whole release that it is now", "v3.4": "the whole release that it is now",
	} {
		if got := wholeRelease(tag); !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", tag, got, want)
		}
	}
}

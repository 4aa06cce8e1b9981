package pages

import (
	"regexp"
	"strings"
)

// what differs from one run to the next, and what stands for it. Their order
// counts: an identifier has figures in it.
var unstable = []struct {
	pattern *regexp.Regexp
	stands  string
}{
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z| UTC)?`), "TIME"},
	{regexp.MustCompile(`\b\d{8}T\d{6}Z\b`), "TIME"},
	{regexp.MustCompile(`\bsha256:[0-9a-f]{12,}`), "sha256:ID"},
	{regexp.MustCompile(`\b(0x)?[0-9a-f]{12,}\b`), "ID"},
	{regexp.MustCompile(`\b\d+(\.\d+)? ?(ns|µs|ms|s|m|h|kB|KiB|MiB|GiB|MB|GB|B|second|minute|hour)(s?)\b`), "N UNIT"},
	{regexp.MustCompile(`\bless than a second\b|\babout an? (minute|hour)\b`), "N UNIT"}, // as ages are told
	{regexp.MustCompile(`\b\d+(\.\d+)*\b`), "N"},
	{regexp.MustCompile(`[ \t]+`), " "},
	{regexp.MustCompile(`\b(leader|follower)\b`), "ROLE"},
	{regexp.MustCompile(`led by [a-z0-9-]+`), "led by MEMBER"},
	{regexp.MustCompile(`[┌┬┐├┼┤└┴┘─]+`), "─"},
}

// steady gives the lines of an output without what differs each time.
func steady(s string) []string {
	for _, u := range unstable {
		s = u.pattern.ReplaceAllString(s, u.stands)
	}
	var lines []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// Prints reports whether a command has printed what a page shows: each line that
// is shown, in this order; nothing else, unless a line of … says that there is more.
func Prints(shown, printed string) bool {
	return matches(steady(shown), steady(printed))
}

func matches(shown, printed []string) bool {
	switch {
	case len(shown) == 0:
		return len(printed) == 0
	case shown[0] == "…":
		for i := range len(printed) + 1 {
			if matches(shown[1:], printed[i:]) {
				return true
			}
		}
		return false
	case len(printed) == 0 || !like(shown[0], printed[0]):
		return false
	}
	return matches(shown[1:], printed[1:])
}

// like compares a line with one in which … stands for anything.
func like(shown, printed string) bool {
	parts := strings.Split(shown, "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(strings.TrimSpace(parts[i]))
	}
	return regexp.MustCompile("^"+strings.Join(parts, ".*")+"$").MatchString(printed) ||
		regexp.MustCompile("^"+strings.Join(parts, " ?.* ?")+"$").MatchString(printed)
}

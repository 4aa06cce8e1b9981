package health

import (
	"fmt"
	"strings"
)

// findings are things to be said about members, in the order they were found.
// What is true of several is said once.
type findings []finding

type finding struct {
	members []string // none for the cluster
	text    string
}

func (f *findings) add(member, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	var members []string
	if member != "" {
		members = []string{member}
	}
	for i := range *f {
		if old := &(*f)[i]; old.text == text {
			old.members = appendNew(old.members, members)
			return
		}
	}
	*f = append(*f, finding{members, text})
}

func appendNew(all, more []string) []string {
	for _, m := range more {
		if len(all) == 0 || all[len(all)-1] != m {
			all = append(all, m)
		}
	}
	return all
}

// lines gives one line a finding: "etcd1, etcd2: has no leader: …".
func (f findings) lines() []string {
	lines := make([]string, len(f))
	for i, x := range f {
		lines[i] = x.text
		if len(x.members) > 0 {
			lines[i] = strings.Join(x.members, ", ") + ": " + x.said()
		}
	}
	return lines
}

// said is the text as it is said of so many members.
func (x finding) said() string {
	rest, silent := strings.CutPrefix(x.text, "does not answer")
	if !silent || len(x.members) < 2 {
		return x.text
	}
	if why, idle := strings.CutPrefix(rest, ": it is "); idle {
		rest = ": they are " + why
	}
	return "do not answer" + rest
}

package health

import (
	"fmt"
	"strings"

	"github.com/etcdctr/etcdctr/internal/listed"
)

// findings are things to be said about members, in the order they were found.
// What is true of several is said once.
type findings []finding

type finding struct {
	members []string // none for the cluster
	one     string   // as it is said of one member, or of the cluster
	several string   // as it is said of several
}

func (f *findings) add(member, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	f.addEither(member, text, text)
}

// addEither is add of what is said of several in other words than of one.
func (f *findings) addEither(member, one, several string) {
	var members []string
	if member != "" {
		members = []string{member}
	}
	for i := range *f {
		if old := &(*f)[i]; old.one == one {
			old.members = appendNew(old.members, members)
			return
		}
	}
	*f = append(*f, finding{members, one, several})
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
		lines[i] = x.one
		if len(x.members) > 0 {
			lines[i] = strings.Join(x.members, ", ") + ": " + listed.Of(len(x.members), x.one, x.several)
		}
	}
	return lines
}

package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/health"
)

// This file is about clients that are let in and get nothing: etcd goes by its users, and
// finds none in the common name of their certificate. They are told `permission denied`,
// and the member's log alone says who etcd took them for.

// refusedWindow is how far back refusals count: they end when somebody puts it right.
const refusedWindow = 10 * time.Minute

// Refusals tells of clients that etcd takes for nobody, which keeps no cluster from being
// healthy. Who comes as a member does so for its health check, which may be refused.
func Refusals(e Evidence) []string {
	var told []string
	nameless, names := e.takenForNobody()
	if len(nameless) > 0 {
		told = append(told, fmt.Sprintf("%s: a client whose certificate has no common name is refused every key: etcd goes by its users, and finds them there; "+
			"have a certificate made that has the user's name as its common name, or have the client give a user's name and password", strings.Join(nameless, ", ")))
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		told = append(told, fmt.Sprintf("%s: clients whose certificate has the common name %q are refused every key, for that is no user of etcd's: "+
			"make that user, or have certificates made with the name of one", strings.Join(names[name], ", "), name))
	}
	return told
}

// takenForNobody gives the members that have lately refused clients without a common
// name, and those that have refused each name.
func (e Evidence) takenForNobody() (nameless []string, names map[string][]string) {
	names = map[string][]string{}
	for _, m := range e.Members {
		for _, line := range m.Log {
			said := readEntry(line)
			if said.user == nil || !strings.HasPrefix(said.text, "cannot find a user for permission check") || e.Now.Sub(said.time) > refusedWindow {
				continue
			}
			switch _, member := e.member(*said.user); {
			case member, *said.user == health.Nobody:
			case *said.user == "" && !slices.Contains(nameless, m.Name):
				nameless = append(nameless, m.Name)
			case *said.user != "" && !slices.Contains(names[*said.user], m.Name):
				names[*said.user] = append(names[*said.user], m.Name)
			}
		}
	}
	return nameless, names
}

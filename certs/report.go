package certs

import (
	"fmt"
	"slices"
	"strings"
)

// Action is what was done about an identity or an authority.
type Action string

// What can be done about an identity or an authority.
const (
	Created  Action = "created"
	Reused   Action = "reused"
	Reissued Action = "reissued"
	Renewed  Action = "renewed"
	Updated  Action = "updated" // what it trusts or has revoked, not its certificate
	Revoked  Action = "revoked"
)

// Change is what was done about one identity or authority, and why.
type Change struct {
	Identity string `json:"identity"` // members/etcd1/server, clients/root
	Action   Action `json:"action"`
	Cause    string `json:"cause,omitempty"` // empty when reused, or created as planned
}

// Report is what an operation did, authorities first.
type Report struct {
	Changes []Change `json:"changes"`
}

// add notes what was done; nothing when no action was taken.
func (r *Report) add(identity string, action Action, cause string) {
	if action != "" {
		r.Changes = append(r.Changes, Change{Identity: identity, Action: action, Cause: cause})
	}
}

// update notes that an identity got what its authority now says.
func (r *Report) update(identity string) {
	for i := range r.Changes {
		if r.Changes[i].Identity == identity {
			if r.Changes[i].Action == Reused {
				r.Changes[i].Action = Updated
			}
			return
		}
	}
	r.add(identity, Updated, "")
}

// Changed reports whether any file changed.
func (r Report) Changed() bool {
	for _, c := range r.Changes {
		if c.Action != Reused {
			return true
		}
	}
	return false
}

// Founded reports whether an authority was made that was not there before, which
// nobody trusts who has been given certificates already.
func (r Report) Founded() bool {
	return slices.ContainsFunc(r.Changes, func(c Change) bool {
		return c.Action == Created && slices.Contains([]string{clientCA, peerCA, singleCA}, c.Identity)
	})
}

// Count is the number of identities and authorities with the given action.
func (r Report) Count(a Action) int {
	n := 0
	for _, c := range r.Changes {
		if c.Action == a {
			n++
		}
	}
	return n
}

// String is the report in one line: "2 created, 7 reused, 1 reissued
// (members/etcd1/server: does not answer to 10.0.0.9)".
func (r Report) String() string {
	var parts []string
	for _, a := range []Action{Created, Reused, Reissued, Renewed, Updated, Revoked} {
		if n := r.Count(a); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s%s", n, a, r.details(a)))
		}
	}
	if len(parts) == 0 {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}

// details names what has been replaced or revoked, and why; what is new or
// untouched explains itself. Many with one cause are one entry.
func (r Report) details(a Action) string {
	names := map[string][]string{} // by cause
	var causes []string
	for _, c := range r.Changes {
		if c.Action != a || c.Cause == "" && a != Revoked {
			continue
		}
		if names[c.Cause] == nil {
			causes = append(causes, c.Cause)
		}
		names[c.Cause] = append(names[c.Cause], c.Identity)
	}
	if len(causes) == 0 {
		return ""
	}
	for i, cause := range causes {
		causes[i] = shortList(names[cause])
		if cause != "" {
			causes[i] += ": " + cause
		}
	}
	return " (" + strings.Join(causes, "; ") + ")"
}

func shortList(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

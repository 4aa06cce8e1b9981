package cluster

import (
	"fmt"
	"strings"
)

// UnknownMemberError is the error of a name that no member has.
type UnknownMemberError struct {
	Name, Cluster string
	Has           []string
}

func (e *UnknownMemberError) Error() string {
	return fmt.Sprintf("%q is not a member of %s: its members are %s", e.Name, e.Cluster, strings.Join(e.Has, ", "))
}

// Member gives the one of that name; an *UnknownMemberError if there is none.
func (c *Cluster) Member(name string) (Member, error) {
	unknown := &UnknownMemberError{Name: name, Cluster: c.Name}
	for _, m := range c.Members {
		if m.Name == name {
			return m, nil
		}
		unknown.Has = append(unknown.Has, m.Name)
	}
	return Member{}, unknown
}

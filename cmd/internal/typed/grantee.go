package typed

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/etcdctr/etcdctr/certs"
)

// Grantee is a flag for who may read an identity's files.
type Grantee struct {
	certs.Grantee
	Given bool
}

// String is what was given.
func (g *Grantee) String() string {
	switch {
	case !g.Given:
		return ""
	case g.Group:
		return fmt.Sprintf("%d:%d", g.UID, g.GID)
	}
	return strconv.Itoa(g.UID)
}

// Set takes UID or UID:GID. Without one, the group has the user's number.
func (g *Grantee) Set(text string) error {
	user, group, both := strings.Cut(text, ":")
	if !both {
		group = user
	}
	uid, userErr := strconv.ParseUint(user, 10, 31)
	gid, groupErr := strconv.ParseUint(group, 10, 31)
	if userErr != nil || groupErr != nil {
		return errors.New("must be numbers, UID or UID:GID, such as 1000:1000")
	}
	*g = Grantee{certs.Grantee{UID: int(uid), GID: int(gid), Group: both}, true}
	return nil
}

// Type is what the help shows as the value.
func (*Grantee) Type() string { return "user" }

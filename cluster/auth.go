package cluster

import (
	"cmp"
	"fmt"
	"slices"
)

// Auth are etcd's users and roles as they ought to be, all of them but root, who
// may do everything and comes with the administrator's certificate.
type Auth struct {
	// Enabled says whether etcd goes by them.
	Enabled bool
	Roles   []Role // by name
	Users   []User // by name
}

// Role is a set of permissions.
type Role struct {
	Name        string
	Permissions []Permission // by key
}

// User is a role's, or several roles'. Without a password file it is whoever shows
// a certificate with its name as common name.
type User struct {
	Name         string
	Roles        []string // sorted
	PasswordFile string
	// Member says that it is a member's, by whose certificate its health check comes.
	// It may do nothing, and is there to be known: etcd writes an error into its log
	// for each question of somebody that it does not know.
	Member bool
}

// Permission is on one key, or on all from Key up to End, which is not in it, as
// etcd has it: an End of a zero byte is that of all keys. End is empty for the one
// key.
type Permission struct {
	Key, End    string
	Read, Write bool
}

// RootName is the user and the role of etcd's that may do everything.
const RootName = "root"

// endless is the end of a range that has none.
const endless = "\x00"

// Access says what the permission is to do.
func (p Permission) Access() string {
	switch {
	case p.Read && p.Write:
		return "readwrite"
	case p.Write:
		return "write"
	}
	return "read"
}

// Keys says what keys the permission is on, as a cluster file has it.
func (p Permission) Keys() string {
	switch {
	case p.End == "":
		return "key " + p.Key
	case p.End == endless && p.Key == endless:
		return "all keys"
	case p.End == endless:
		return "keys from " + p.Key
	case p.End == prefixEnd(p.Key):
		return "prefix " + p.Key
	}
	return "keys from " + p.Key + " to " + p.End
}

// String tells the permission for people.
func (p Permission) String() string { return p.Access() + " on " + p.Keys() }

// Role gives a role of the name.
func (a *Auth) Role(name string) (Role, bool) {
	i := slices.IndexFunc(a.Roles, func(r Role) bool { return r.Name == name })
	if i < 0 {
		return Role{Name: name}, false
	}
	return a.Roles[i], true
}

// Of gives all that a user is permitted.
func (a *Auth) Of(user string) []Permission {
	var all []Permission
	for _, u := range a.Users {
		if u.Name != user {
			continue
		}
		for _, name := range u.Roles {
			if name == RootName {
				all = append(all, Permission{Key: endless, End: endless, Read: true, Write: true})
			}
			role, _ := a.Role(name)
			all = append(all, role.Permissions...)
		}
	}
	return all
}

// Permits tells whether permissions cover all of a range, of which only what it
// asks for is looked at: etcd takes several that lie side by side for one.
func Permits(all []Permission, want Permission) bool {
	return (!want.Read || covers(all, want, func(p Permission) bool { return p.Read })) &&
		(!want.Write || covers(all, want, func(p Permission) bool { return p.Write }))
}

func covers(all []Permission, want Permission, counts func(Permission) bool) bool {
	from, to := want.bounds()
	list := slices.DeleteFunc(slices.Clone(all), func(p Permission) bool { return !counts(p) })
	slices.SortFunc(list, func(a, b Permission) int { return cmp.Compare(a.Key, b.Key) })
	for _, p := range list {
		first, end := p.bounds()
		if first > from {
			break
		}
		if end == endless || to != endless && end >= to {
			return true
		}
		from = max(from, end)
	}
	return false
}

// bounds are the first key and the one after the last.
func (p Permission) bounds() (from, to string) {
	if p.End == "" {
		return p.Key, p.Key + endless
	}
	return p.Key, p.End
}

// prefixEnd is the end of the range of all keys with a prefix.
func prefixEnd(prefix string) string {
	end := []byte(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] < 0xff {
			end[i]++
			return string(end[:i+1])
		}
	}
	return endless
}

// auth decides users and roles.
func (r *resolver) auth(c *Cluster) {
	spec := r.spec.Auth
	if spec == nil {
		return
	}
	if c.TLS != Mutual {
		r.report("auth", "needs tls: mutual: by its certificate etcd knows its administrator")
	}
	a := &Auth{Enabled: yes(r, "auth.enabled", spec.Enabled, true)}
	for i, role := range spec.Roles {
		a.Roles = append(a.Roles, r.role(spec.Roles[:i], role))
	}
	for i, user := range spec.Users {
		a.Users = append(a.Users, r.user(c, spec, spec.Users[:i], user))
	}
	if c.Backup != nil && c.Backup.Identity && !slices.ContainsFunc(a.Users, func(u User) bool { return u.Name == BackupName }) {
		a.Users = append(a.Users, User{Name: BackupName, Roles: []string{RootName}}) // nobody else gets a snapshot of etcd
	}
	if a.Enabled {
		for _, m := range c.Members {
			a.Users = append(a.Users, User{Name: m.Name, Member: true})
		}
	}
	slices.SortFunc(a.Roles, func(a, b Role) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(a.Users, func(a, b User) int { return cmp.Compare(a.Name, b.Name) })
	c.Auth = a
}

func (r *resolver) role(before []RoleSpec, spec RoleSpec) Role {
	at := "auth.roles." + spec.Name
	switch {
	case spec.Name == "":
		r.report("auth.roles", "has a role without a name")
	case spec.Name == RootName:
		r.report(at, "is etcd's own, and may do everything: give it to users without saying what it is")
	case slices.ContainsFunc(before, func(x RoleSpec) bool { return x.Name == spec.Name }):
		r.report(at, "is given twice: keep one")
	}
	role := Role{Name: spec.Name}
	for i, p := range spec.Permissions {
		one, ok := r.permission(fmt.Sprintf("%s[%d]", at, i), p)
		same := func(x Permission) bool { return x.Key == one.Key && x.End == one.End }
		if ok && slices.ContainsFunc(role.Permissions, same) {
			r.report(fmt.Sprintf("%s[%d]", at, i), "is on the same keys as one before: keep one, with access: readwrite if both are meant")
		}
		role.Permissions = append(role.Permissions, one)
	}
	slices.SortFunc(role.Permissions, func(a, b Permission) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.End, b.End))
	})
	return role
}

func (r *resolver) permission(at string, spec PermissionSpec) (Permission, bool) {
	access := oneOf(r, at+".access", spec.Access, "", "read", "write", "readwrite")
	if spec.Access == "" {
		r.report(at+".access", "is missing: read, write or readwrite")
	}
	p := Permission{Read: access != "write", Write: access == "write" || access == "readwrite"}
	given := 0
	if spec.Key != "" {
		p.Key, given = spec.Key, given+1
	}
	if spec.Prefix != nil {
		p.Key, p.End, given = or(*spec.Prefix, endless), prefixEnd(*spec.Prefix), given+1
	}
	if spec.From != "" {
		p.Key, p.End, given = spec.From, or(spec.To, endless), given+1
	}
	switch {
	case given != 1:
		r.report(at, "must say one of key, prefix (\"\" for all keys) or from")
	case spec.To != "" && spec.From == "":
		r.report(at+".to", "has no effect without from")
	case spec.To != "" && spec.To <= spec.From:
		r.report(at+".to", "%q must come after %q: the keys are those from the one up to the other", spec.To, spec.From)
	}
	return p, given == 1
}

func (r *resolver) user(c *Cluster, auth *AuthSpec, before []UserSpec, spec UserSpec) User {
	at := "auth.users." + spec.Name
	member := func(m Member) bool { return m.Name == spec.Name }
	switch {
	case spec.Name == "":
		r.report("auth.users", "has a user without a name")
	case spec.Name == RootName:
		r.report(at, "is the administrator, who is there in any case: leave it out")
	case slices.ContainsFunc(c.Servers(), member):
		r.report(at, "is a member's name, and whoever has the member's certificate would be this user: take another")
	case slices.ContainsFunc(before, func(x UserSpec) bool { return x.Name == spec.Name }):
		r.report(at, "is given twice: keep one")
	}
	for i, name := range spec.Roles {
		known := name == RootName || slices.ContainsFunc(auth.Roles, func(x RoleSpec) bool { return x.Name == name })
		switch {
		case !known:
			r.report(fmt.Sprintf("%s.roles[%d]", at, i), "%q is none of the roles: %s", name, didYouMean(name, roleNames(auth)))
		case slices.Contains(spec.Roles[:i], name):
			r.report(fmt.Sprintf("%s.roles[%d]", at, i), "%q is given twice: keep one", name)
		}
	}
	return User{Name: spec.Name, Roles: slices.Sorted(slices.Values(spec.Roles)), PasswordFile: spec.PasswordFile}
}

func roleNames(auth *AuthSpec) []string {
	names := []string{RootName}
	for _, role := range auth.Roles {
		names = append(names, role.Name)
	}
	return names
}

// CheckPasswords tells of each password file of the Spec what check has against it.
// The error is Problems.
func (s Spec) CheckPasswords(check func(file string) error) error {
	if s.Auth == nil {
		return nil
	}
	var found Problems
	for _, u := range s.Auth.Users {
		if err := check(u.PasswordFile); err != nil {
			found = append(found, s.source.problem("auth.users."+u.Name+".password-file", "%v", err))
		}
	}
	return found.asError()
}

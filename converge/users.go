package converge

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
)

// This file brings etcd's users and roles to the description, once all members are
// as wanted. Nobody is locked out on the way: root and everybody who is declared
// have all that they need before etcd begins to go by its users, and it ceases to
// before any of them goes.

// Users is what Hands ask and change of etcd's users.
type Users interface {
	Access(ctx context.Context) (member.Access, error)
	CheckPassword(ctx context.Context, name, password string) (member.Password, error)
	SetRole(ctx context.Context, want member.Role) error
	SetUser(ctx context.Context, want member.User, password string) error
	RemoveRole(ctx context.Context, name string) error
	RemoveUser(ctx context.Context, name string) error
	EnableAuth(ctx context.Context) error
	DisableAuth(ctx context.Context) error
}

// Access is what etcd says of its users, and of those passwords that are declared
// as far as that could be asked.
type Access struct {
	member.Access
	Passwords map[string]member.Password
}

// users gives the next change of users and roles.
func (c *scene) users() (*Step, error) {
	if c.Want == nil || c.Want.Auth == nil || c.Access == nil || !c.quorum || len(c.Then) > 0 {
		return nil, nil
	}
	a := access{want: c.Want.Auth, Access: *c.Access, done: c.Done}
	for _, rule := range []func() *Step{a.turnOff, a.putRoot, a.putRole, a.putUser, a.dropUser, a.dropRole, a.turnOn} {
		if step := rule(); step != nil {
			return step, nil
		}
	}
	return nil, nil
}

// refuseUsers: etcd goes by its users, and this program is none that it obeys.
func (c *scene) refuseUsers() error {
	if c.Access == nil || !c.Access.Denied {
		return nil
	}
	return &Refusal{
		Reason: "etcd goes by its users, and does not take the certificate of this cluster's root for its user root",
		Remedy: Remedy{Text: "as a user with the role root, `etcdctl user add root --no-password` and `etcdctl user grant-role root root` let it in"},
	}
}

// access holds what etcd has against what is wanted.
type access struct {
	Access
	want *cluster.Auth
	done []Step
}

func (a *access) turnOff() *Step {
	if !a.Enabled || a.want.Enabled {
		return nil
	}
	return &Step{Kind: TurnUsersOff, Cause: "auth.enabled is false: whoever can connect may do everything"}
}

func (a *access) turnOn() *Step {
	if a.Enabled || !a.want.Enabled {
		return nil
	}
	return &Step{Kind: TurnUsersOn, Cause: "root and all that are declared are there", Notice: Notice{Kind: Strangers}}
}

func (a *access) putRoot() *Step {
	root, _ := a.User(cluster.RootName)
	if slices.Contains(root.Roles, cluster.RootName) {
		return nil
	}
	return &Step{Kind: PutUser, To: cluster.RootName, Cause: "it comes with the administrator's certificate"}
}

func (a *access) putRole() *Step {
	for _, want := range a.want.Roles {
		have, there := a.Role(want.Name)
		if changes := permissionChanges(want, have); !there || len(changes) > 0 {
			return &Step{Kind: PutRole, To: want.Name, Cause: orNothing(changes)}
		}
	}
	return nil
}

func (a *access) putUser() *Step {
	for _, want := range a.want.Users {
		have, there := a.User(want.Name)
		changes := roleChanges(want, have)
		switch password := a.Passwords[want.Name]; {
		case there && want.PasswordFile == "" && password == member.WrongPassword:
			return &Step{Kind: DropUser, To: want.Name, Cause: "it has a password, and is to come with a certificate"}
		case there && want.PasswordFile != "" && password == member.NoPassword:
			return &Step{Kind: DropUser, To: want.Name, Cause: "it comes with a certificate, and is to have a password"}
		case there && want.PasswordFile != "" && password == member.WrongPassword:
			changes = append(changes, "another password")
		case there && want.PasswordFile != "" && !a.Enabled && a.want.Enabled && !a.hasPut(want.Name):
			changes = append(changes, "the password, which can't be looked at")
		}
		if !there || len(changes) > 0 {
			return &Step{Kind: PutUser, To: want.Name, Cause: userCause(want, changes)}
		}
	}
	return nil
}

func userCause(want cluster.User, changes []string) string {
	if want.Member && len(changes) == 0 {
		return "its health check comes by its certificate, and may do nothing"
	}
	return orNothing(changes)
}

// hasPut tells whether this run has set a user's password.
func (a *access) hasPut(user string) bool {
	return slices.ContainsFunc(a.done, func(s Step) bool { return s.Kind == PutUser && s.To == user })
}

func (a *access) dropUser() *Step {
	for _, have := range a.Users {
		declared := slices.ContainsFunc(a.want.Users, func(u cluster.User) bool { return u.Name == have.Name })
		if !declared && have.Name != cluster.RootName {
			return &Step{Kind: DropUser, To: have.Name, Cause: "it is not declared"}
		}
	}
	return nil
}

func (a *access) dropRole() *Step {
	for _, have := range a.Roles {
		if _, declared := a.want.Role(have.Name); !declared && have.Name != cluster.RootName {
			return &Step{Kind: DropRole, To: have.Name, Cause: "it is not declared"}
		}
	}
	return nil
}

// permissionChanges tells what a role gains and loses.
func permissionChanges(want cluster.Role, have member.Role) []string {
	var changes []string
	for _, p := range want.Permissions {
		if !slices.Contains(have.Permissions, member.Permission(p)) {
			changes = append(changes, p.String())
		}
	}
	for _, p := range have.Permissions {
		same := func(w cluster.Permission) bool { return w.Key == p.Key && w.End == p.End }
		if !slices.ContainsFunc(want.Permissions, same) {
			changes = append(changes, "no more "+cluster.Permission(p).String())
		}
	}
	return changes
}

// roleChanges tells what roles a user gains and loses.
func roleChanges(want cluster.User, have member.User) []string {
	var changes []string
	for _, role := range want.Roles {
		if !slices.Contains(have.Roles, role) {
			changes = append(changes, "role "+role)
		}
	}
	for _, role := range have.Roles {
		if !slices.Contains(want.Roles, role) {
			changes = append(changes, "no more role "+role)
		}
	}
	return changes
}

func orNothing(changes []string) string {
	if len(changes) == 0 {
		return "it may do nothing"
	}
	return strings.Join(changes, ", ")
}

// users does a step about users or roles.
func (r *run) users(ctx context.Context, etcd Etcd, step Step) error {
	auth := r.situation.Want.Auth
	switch step.Kind {
	case PutRole:
		return etcd.SetRole(ctx, roleOf(auth, step.To))
	case DropRole:
		return etcd.RemoveRole(ctx, step.To)
	case PutUser:
		return r.putUser(ctx, etcd, step.To)
	case DropUser:
		return etcd.RemoveUser(ctx, step.To)
	case TurnUsersOn:
		return etcd.EnableAuth(ctx)
	case TurnUsersOff:
		return etcd.DisableAuth(ctx)
	}
	return fmt.Errorf("etcd has no step %q", step.Kind)
}

// roleOf is a declared role in etcd's words.
func roleOf(auth *cluster.Auth, name string) member.Role {
	want, _ := auth.Role(name)
	role := member.Role{Name: want.Name}
	for _, p := range want.Permissions {
		role.Permissions = append(role.Permissions, member.Permission(p))
	}
	return role
}

// userOf is a declared user, or root, in etcd's words.
func userOf(auth *cluster.Auth, name string) member.User {
	if name == cluster.RootName {
		return member.User{Name: name, Roles: []string{cluster.RootName}}
	}
	i := slices.IndexFunc(auth.Users, func(u cluster.User) bool { return u.Name == name })
	return member.User{Name: name, Roles: auth.Users[i].Roles}
}

// putUser gives a user its roles, and its password unless it has that.
func (r *run) putUser(ctx context.Context, etcd Etcd, name string) error {
	password := r.wish.Passwords[name]
	if r.situation.Access.Passwords[name] == member.RightPassword {
		password = ""
	}
	return etcd.SetUser(ctx, userOf(r.situation.Want.Auth, name), password)
}

// access asks for the users where the description says who they are to be.
func (r *run) access(ctx context.Context) error {
	r.situation.Access = nil
	if r.wish.Want == nil || r.wish.Want.Auth == nil || !r.situation.Etcd.Quorum() {
		return nil
	}
	etcd, err := r.dial(ctx)
	if err != nil {
		return err
	}
	seen, err := etcd.Access(ctx)
	if err != nil {
		return err
	}
	a := &Access{Access: seen, Passwords: map[string]member.Password{}}
	if a.Enabled && !a.Denied {
		err = r.passwords(ctx, etcd, a)
	}
	r.situation.Access = a
	return err
}

// passwords looks whether those who are to have a password have it, and those who
// are not have none.
func (r *run) passwords(ctx context.Context, etcd Etcd, a *Access) error {
	for _, want := range r.wish.Want.Auth.Users {
		if _, there := a.User(want.Name); !there {
			continue
		}
		answer, err := etcd.CheckPassword(ctx, want.Name, r.wish.Passwords[want.Name])
		if err != nil {
			return err
		}
		if want.PasswordFile == "" && answer == member.RightPassword {
			answer = member.WrongPassword // an empty one is one, too
		}
		a.Passwords[want.Name] = answer
	}
	return nil
}

// aboutUsers tells whether a step is about users or roles.
func (k Kind) aboutUsers() bool {
	switch k {
	case PutRole, DropRole, PutUser, DropUser, TurnUsersOn, TurnUsersOff:
		return true
	}
	return false
}

// users tells what a step makes of the users.
func (f *forecast) users(step Step) {
	if f.Access == nil && f.Want != nil && f.Want.Auth != nil && f.Etcd.Quorum() {
		f.Access = &Access{} // a cluster that nobody could ask before, and has none
	}
	if !step.Kind.aboutUsers() {
		return
	}
	a := *f.Access
	a.Users = slices.DeleteFunc(slices.Clone(a.Users), func(u member.User) bool {
		return step.To == u.Name && (step.Kind == PutUser || step.Kind == DropUser)
	})
	a.Roles = slices.DeleteFunc(slices.Clone(a.Roles), func(r member.Role) bool {
		return step.To == r.Name && (step.Kind == PutRole || step.Kind == DropRole)
	})
	switch step.Kind {
	case PutUser:
		a.Users = append(a.Users, userOf(f.Want.Auth, step.To))
	case PutRole:
		a.Roles = append(a.Roles, roleOf(f.Want.Auth, step.To))
	case TurnUsersOn, TurnUsersOff:
		a.Enabled = step.Kind == TurnUsersOn
	}
	if step.Kind == PutUser || step.Kind == DropUser {
		a.Passwords = maps.Clone(a.Passwords)
		delete(a.Passwords, step.To)
	}
	f.Access = &a
}

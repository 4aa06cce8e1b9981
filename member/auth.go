package member

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/etcd/api/v3/authpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
)

// User is one of etcd's, which has nothing to do with those of the system. With
// mutual TLS, a client is the user that its certificate's common name says.
type User struct {
	Name  string
	Roles []string
}

// Role is a set of permissions.
type Role struct {
	Name        string
	Permissions []Permission
}

// Permission is on one key, or on all from Key up to End, which is not in it:
// see clientv3.GetPrefixRangeEnd. End is empty for the one key.
type Permission struct {
	Key, End    string
	Read, Write bool
}

// Users gives all users with their roles, in etcd's order.
func (c *Client) Users(ctx context.Context) ([]User, error) {
	var users []User
	err := c.asAdmin(ctx, "list the users", func(ctx context.Context, etcd clientv3.Auth) error {
		names, err := etcd.UserList(ctx)
		if err != nil {
			return err
		}
		for _, name := range names.Users {
			user, err := etcd.UserGet(ctx, name)
			if err != nil {
				return err
			}
			users = append(users, User{Name: name, Roles: user.Roles})
		}
		return nil
	})
	return users, err
}

// Roles gives all roles with their permissions, in etcd's order.
func (c *Client) Roles(ctx context.Context) ([]Role, error) {
	var roles []Role
	err := c.asAdmin(ctx, "list the roles", func(ctx context.Context, etcd clientv3.Auth) error {
		names, err := etcd.RoleList(ctx)
		if err != nil {
			return err
		}
		for _, name := range names.Roles {
			role, err := etcd.RoleGet(ctx, name)
			if err != nil {
				return err
			}
			roles = append(roles, Role{name, permissionsOf(role.Perm)})
		}
		return nil
	})
	return roles, err
}

func permissionsOf(list []*authpb.Permission) []Permission {
	var permissions []Permission
	for _, p := range list {
		permissions = append(permissions, Permission{
			Key: string(p.Key), End: string(p.RangeEnd),
			Read: p.PermType != authpb.Permission_WRITE, Write: p.PermType != authpb.Permission_READ,
		})
	}
	return permissions
}

// AddUser adds a user, who without a password can only come with a certificate.
// That there is one of this name already is no error, and changes nothing: see
// SetPassword.
func (c *Client) AddUser(ctx context.Context, name, password string) error {
	return c.asAdmin(ctx, "add the user "+name, func(ctx context.Context, etcd clientv3.Auth) error {
		_, err := etcd.UserAddWithOptions(ctx, name, password, &clientv3.UserAddOptions{NoPassword: password == ""})
		return unless(err, rpctypes.ErrUserAlreadyExist)
	})
}

// SetPassword changes a user's password.
func (c *Client) SetPassword(ctx context.Context, name, password string) error {
	return c.asAdmin(ctx, "change the password of "+name, func(ctx context.Context, etcd clientv3.Auth) error {
		_, err := etcd.UserChangePassword(ctx, name, password)
		return err
	})
}

// RemoveUser removes a user. That there is none is no error.
func (c *Client) RemoveUser(ctx context.Context, name string) error {
	return c.asAdmin(ctx, "remove the user "+name, func(ctx context.Context, etcd clientv3.Auth) error {
		_, err := etcd.UserDelete(ctx, name)
		return unless(err, rpctypes.ErrUserNotFound)
	})
}

// GrantRole gives a user a role. That the user has it is no error.
func (c *Client) GrantRole(ctx context.Context, user, role string) error {
	return c.asAdmin(ctx, fmt.Sprintf("give %s the role %s", user, role), func(ctx context.Context, etcd clientv3.Auth) error {
		_, err := etcd.UserGrantRole(ctx, user, role)
		return err
	})
}

// RevokeRole takes a role from a user. That the user does not have it is no
// error.
func (c *Client) RevokeRole(ctx context.Context, user, role string) error {
	return c.asAdmin(ctx, fmt.Sprintf("take the role %s from %s", role, user), func(ctx context.Context, etcd clientv3.Auth) error {
		_, err := etcd.UserRevokeRole(ctx, user, role)
		return unless(err, rpctypes.ErrRoleNotGranted)
	})
}

// AddRole adds a role. That there is one of this name is no error.
func (c *Client) AddRole(ctx context.Context, name string) error {
	return c.asAdmin(ctx, "add the role "+name, func(ctx context.Context, etcd clientv3.Auth) error {
		_, err := etcd.RoleAdd(ctx, name)
		return unless(err, rpctypes.ErrRoleAlreadyExist)
	})
}

// RemoveRole removes a role, also from those who have it. That there is none is
// no error.
func (c *Client) RemoveRole(ctx context.Context, name string) error {
	return c.asAdmin(ctx, "remove the role "+name, func(ctx context.Context, etcd clientv3.Auth) error {
		_, err := etcd.RoleDelete(ctx, name)
		return unless(err, rpctypes.ErrRoleNotFound)
	})
}

// GrantPermission gives a role a permission, in place of one on the same keys.
func (c *Client) GrantPermission(ctx context.Context, role string, p Permission) error {
	kind := clientv3.PermissionType(clientv3.PermRead)
	switch {
	case !p.Read && !p.Write:
		return fmt.Errorf("cannot give the role %s a permission on %q: it is neither to read nor to write: revoke the one there is instead", role, p.Key)
	case p.Read && p.Write:
		kind = clientv3.PermissionType(clientv3.PermReadWrite)
	case p.Write:
		kind = clientv3.PermissionType(clientv3.PermWrite)
	}
	return c.asAdmin(ctx, fmt.Sprintf("give the role %s a permission on %q", role, p.Key), func(ctx context.Context, etcd clientv3.Auth) error {
		_, err := etcd.RoleGrantPermission(ctx, role, p.Key, p.End, kind)
		return err
	})
}

// RevokePermission takes a role's permission on exactly these keys. That there is
// none is no error.
func (c *Client) RevokePermission(ctx context.Context, role, key, end string) error {
	return c.asAdmin(ctx, fmt.Sprintf("take the permission on %q from the role %s", key, role), func(ctx context.Context, etcd clientv3.Auth) error {
		_, err := etcd.RoleRevokePermission(ctx, role, key, end)
		return unless(err, rpctypes.ErrPermissionNotGranted)
	})
}

// AuthEnabled tells whether etcd's users are on. That one may not ask is an answer
// too: etcd 3.5 and 3.6 tell root alone.
func (c *Client) AuthEnabled(ctx context.Context) (bool, error) {
	enabled := false
	err := c.asAdmin(ctx, "find out whether there are users", func(ctx context.Context, etcd clientv3.Auth) error {
		answer, err := etcd.AuthStatus(ctx)
		if isDenied(err) {
			enabled = true
			return nil
		}
		if err == nil {
			enabled = answer.Enabled
		}
		return err
	})
	return enabled, err
}

// EnableAuth has etcd go by its users. There has to be one called root with the
// role root, and whoever asks must be able to come as root afterwards, to turn it
// off again.
func (c *Client) EnableAuth(ctx context.Context) error {
	return c.asAdmin(ctx, "turn on etcd's users", func(ctx context.Context, etcd clientv3.Auth) error {
		_, err := etcd.AuthEnable(ctx)
		return err
	})
}

// DisableAuth lets anybody do anything who can connect.
func (c *Client) DisableAuth(ctx context.Context) error {
	return c.asAdmin(ctx, "turn off etcd's users", func(ctx context.Context, etcd clientv3.Auth) error {
		_, err := etcd.AuthDisable(ctx)
		return err
	})
}

// asAdmin asks one member that serves, once: etcd repeats by itself what is safe
// to repeat.
func (c *Client) asAdmin(ctx context.Context, what string, do func(context.Context, clientv3.Auth) error) error {
	who, err := c.servant(ctx, 0)
	if err == nil {
		question, cancel := c.question(ctx)
		defer cancel()
		err = do(question, who.to.etcd.Auth)
	}
	if err != nil {
		return fmt.Errorf("cannot %s: %w", what, meaning(err))
	}
	return nil
}

// unless is no error if it is one that says that all is as wanted.
func unless(err, fine error) error {
	if errors.Is(err, fine) {
		return nil
	}
	return err
}

// Access is what etcd's users may do.
type Access struct {
	// Enabled says whether etcd goes by its users.
	Enabled bool
	// Denied says that etcd goes by them and does not take whoever asks for its
	// root. Then nothing else is known.
	Denied bool
	Users  []User
	Roles  []Role
}

// User gives the user of a name.
func (a Access) User(name string) (User, bool) {
	i := slices.IndexFunc(a.Users, func(u User) bool { return u.Name == name })
	if i < 0 {
		return User{Name: name}, false
	}
	return a.Users[i], true
}

// Role gives the role of a name.
func (a Access) Role(name string) (Role, bool) {
	i := slices.IndexFunc(a.Roles, func(r Role) bool { return r.Name == name })
	if i < 0 {
		return Role{Name: name}, false
	}
	return a.Roles[i], true
}

// Access asks for all users and roles. To be denied that is an answer, and no
// error.
func (c *Client) Access(ctx context.Context) (Access, error) {
	var a Access
	var err error
	if a.Enabled, err = c.AuthEnabled(ctx); err != nil {
		return a, err
	}
	if a.Users, err = c.Users(ctx); err == nil {
		a.Roles, err = c.Roles(ctx)
	}
	if errors.Is(err, ErrDenied) {
		return Access{Enabled: true, Denied: true}, nil
	}
	return a, err
}

// SetRole gives a role exactly these permissions, new ones before it takes others
// away. A role that there is not is made.
func (c *Client) SetRole(ctx context.Context, want Role) error {
	if err := c.AddRole(ctx, want.Name); err != nil {
		return err
	}
	have, err := c.Roles(ctx)
	if err != nil {
		return err
	}
	is, _ := Access{Roles: have}.Role(want.Name)
	for _, p := range want.Permissions {
		if !slices.Contains(is.Permissions, p) {
			if err := c.GrantPermission(ctx, want.Name, p); err != nil {
				return err
			}
		}
	}
	for _, p := range is.Permissions {
		if !slices.ContainsFunc(want.Permissions, p.sameKeys) {
			if err := c.RevokePermission(ctx, want.Name, p.Key, p.End); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p Permission) sameKeys(other Permission) bool { return p.Key == other.Key && p.End == other.End }

// SetUser gives a user exactly these roles, new ones before it takes others away,
// and the password if there is one. A user that there is not is made: without a
// password it is one who comes with a certificate, and stays that.
func (c *Client) SetUser(ctx context.Context, want User, password string) error {
	have, err := c.Users(ctx)
	if err != nil {
		return err
	}
	is, there := Access{Users: have}.User(want.Name)
	switch {
	case !there:
		err = c.AddUser(ctx, want.Name, password)
	case password != "":
		err = c.SetPassword(ctx, want.Name, password)
	}
	if err != nil {
		return err
	}
	for _, role := range want.Roles {
		if !slices.Contains(is.Roles, role) {
			if err := c.GrantRole(ctx, want.Name, role); err != nil {
				return err
			}
		}
	}
	for _, role := range is.Roles {
		if !slices.Contains(want.Roles, role) {
			if err := c.RevokeRole(ctx, want.Name, role); err != nil {
				return err
			}
		}
	}
	return nil
}

// Password is what etcd makes of a user's password.
type Password string

// The answers about a password.
const (
	RightPassword Password = "right"
	WrongPassword Password = "wrong" // the user has another, or there is no such user
	NoPassword    Password = "none"  // the user comes with a certificate, whatever the password
)

// CheckPassword asks whether a password is a user's. etcd tells only while it goes
// by its users; it notes wrong ones in its log.
func (c *Client) CheckPassword(ctx context.Context, name, password string) (Password, error) {
	answer := RightPassword
	err := c.asAdmin(ctx, "check the password of "+name, func(ctx context.Context, etcd clientv3.Auth) error {
		_, err := etcd.Authenticate(ctx, name, password)
		switch {
		case errors.Is(rpctypes.Error(err), rpctypes.ErrAuthFailed):
			answer, err = WrongPassword, nil
		case code(err) == codes.Unknown: // it has a code for every other failure
			answer, err = NoPassword, nil
		}
		return err
	})
	return answer, err
}

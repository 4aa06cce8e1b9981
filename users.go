package etcdctr

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
)

// This file gets what etcd's users need that is not in the description, and keeps to it
// where they come from elsewhere.

// CheckPasswords tells of the password files of a Spec's users that can't be read. Its
// error is cluster.Problems.
func CheckPasswords(spec cluster.Spec) error {
	return spec.CheckPasswords(func(file string) error {
		_, err := readPassword(file)
		return err
	})
}

// Passwords reads those of the users that have one, by name.
func (c *Cluster) Passwords(auth *cluster.Auth) (map[string]string, error) {
	read := map[string]string{} // by file
	get := func(file string) (err error) {
		if _, known := read[file]; !known {
			read[file], err = readPassword(file)
		}
		return err
	}
	if err := c.spec.CheckPasswords(get); err != nil {
		return nil, err
	}
	passwords := map[string]string{}
	for _, u := range auth.Users {
		if err := get(u.PasswordFile); err != nil {
			return nil, &InputError{fmt.Errorf("auth.users.%s.password-file: %w", u.Name, err)}
		}
		if password := read[u.PasswordFile]; password != "" {
			passwords[u.Name] = password
		}
	}
	return passwords, nil
}

// users is what it takes to bring etcd's users to the description.
func (c *Cluster) users(auth *cluster.Auth) (passwords map[string]string, err error) {
	if auth == nil {
		return nil, nil
	}
	if err := c.checkCommonNames(auth); err != nil {
		return nil, err
	}
	return c.Passwords(auth)
}

// CertsUsers are those of etcd's users whom it is to find in the common names of
// certificates; none where it does not go by its users.
func CertsUsers(auth *cluster.Auth) []certs.User {
	if auth == nil || !auth.Enabled {
		return nil
	}
	users := []certs.User{{Name: cluster.RootName}, {Name: cluster.MonitoringClient, Elsewise: true}}
	for _, u := range auth.Users {
		users = append(users, certs.User{Name: u.Name, Elsewise: u.PasswordFile != ""})
	}
	return users
}

// checkCommonNames refuses certificates of declared users that etcd would take for
// somebody else's. Those that are not here yet will get the right ones.
func (c *Cluster) checkCommonNames(auth *cluster.Auth) error {
	found, err := c.userFindings(auth)
	var refused []error
	for _, f := range found {
		if f.Severity != certs.Error {
			continue
		}
		field := "auth.users." + path.Base(f.Identity)
		if path.Base(f.Identity) == cluster.RootName { // who is declared by nobody
			field = "auth"
		}
		refused = append(refused, &converge.Refusal{
			Reason: field + ": " + filepath.Join(c.CertsDir(), filepath.FromSlash(f.Identity)) + string(filepath.Separator) + f.Problem,
			Remedy: converge.Remedy{Text: f.Remedy},
		})
	}
	return errors.Join(append(refused, err)...)
}

// userFindings are what certificates here say to etcd's users.
func (c *Cluster) userFindings(auth *cluster.Auth) ([]certs.Finding, error) {
	users := CertsUsers(auth)
	if users == nil {
		return nil, nil
	}
	return c.PKI().VerifyUsers(users)
}

// UsersError is the error of a cluster that has its data back, and users of etcd's that
// could not be made those of its description: Up does that.
type UsersError struct {
	Name string
	Err  error
}

func (e *UsersError) Error() string {
	return fmt.Sprintf("%s has its data back and serves, and etcd's users are not as its description says: %v", e.Name, e.Err)
}

// Unwrap gives why they could not.
func (e *UsersError) Unwrap() error { return e.Err }

// restoreUsers makes etcd's users those of the Spec, once the members hold what an
// archive held: that has the users of its time, and may have none.
func (c *Cluster) restoreUsers(ctx context.Context, want *cluster.Auth, tell func(action string)) error {
	if want == nil {
		return nil
	}
	told := func(e converge.Event) {
		switch {
		case tell == nil:
		case e.Kind == converge.Waiting:
			tell("wait for another command that changes " + c.spec.ClusterName())
		case e.Kind == converge.Begins:
			tell(e.Step.String())
		}
	}
	var err error
	restored := *c // the members are others than those that c has found
	if restored.have, err = c.Observe(ctx); err == nil {
		_, err = restored.Make(ctx, Change{Verb: converge.Up, Tell: told})
	}
	if err != nil {
		return &UsersError{c.spec.ClusterName(), err}
	}
	return nil
}

// usersAfter are the steps by which etcd comes by its users, or ceases to go by them, once
// data is restored with which it does or does not.
func usersAfter(want *cluster.Auth, on bool) converge.Steps {
	switch {
	case want != nil && want.Enabled:
		return converge.Steps{{
			Kind: converge.TurnUsersOn, Cause: "the members start with root alone, and those that are declared come once they serve", Notice: converge.Notice{Kind: converge.Strangers},
		}}
	case want != nil && on:
		return converge.Steps{{Kind: converge.TurnUsersOff, Cause: "auth.enabled is false, and they are on in the backup"}}
	}
	return nil
}

// judgeUsers warns of an etcd that goes by its users where the description says that it
// does not, or the other way round. It takes members that have a quorum.
func (c *Connection) judgeUsers(ctx context.Context, want *cluster.Cluster) []string {
	if want == nil || want.Auth == nil {
		return nil
	}
	switch on, err := c.usersOn(ctx); {
	case err != nil:
		return []string{fmt.Sprintf("whether etcd's users are %s, as the description says, can't be seen: %v", onOff(want.Auth.Enabled), err)}
	case on && !want.Auth.Enabled:
		return []string{"etcd's users are on, and the description says that they are off: `etcdctr up` turns them off"}
	case !on && want.Auth.Enabled:
		return []string{"etcd's users are off, and the description says that they are on: whoever can connect may do everything; `etcdctr up` turns them on"}
	case on:
		return c.judgeCommonNames(want.Auth)
	}
	return nil
}

// judgeCommonNames warns of certificates here that say nobody, or somebody else, to an etcd
// that goes by its users.
func (c *Connection) judgeCommonNames(auth *cluster.Auth) []string {
	found, err := (&certs.PKI{Dir: c.CertsDir}).VerifyUsers(CertsUsers(auth))
	if err != nil {
		return []string{fmt.Sprintf("whom etcd takes the certificates here for can't be seen: %v", err)}
	}
	var warnings []string
	for _, f := range found {
		warnings = append(warnings, f.String())
	}
	return warnings
}

// usersOn asks whether etcd goes by its users.
func (c *Connection) usersOn(ctx context.Context) (on bool, err error) {
	members, err := c.Members(member.Config{})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, members.Close()) }()
	return members.AuthEnabled(ctx)
}

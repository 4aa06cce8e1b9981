package converge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
)

var (
	allOrders  = cluster.Permission{Key: "/orders/", End: "/orders0", Read: true, Write: true}
	readConfig = cluster.Permission{Key: "/config", Read: true}

	// declared are two roles and three users, of whom one has a password.
	declared = cluster.Auth{
		Enabled: true,
		Roles: []cluster.Role{
			{Name: "auditors", Permissions: []cluster.Permission{readConfig}},
			{Name: "orders", Permissions: []cluster.Permission{readConfig, allOrders}},
		},
		Users: []cluster.User{
			{Name: "app", Roles: []string{"auditors", "orders"}},
			{Name: "nobody"},
			{Name: "patroni", Roles: []string{"orders"}, PasswordFile: "secrets/patroni"},
		},
	}
	// asDeclared is etcd when that is true.
	asDeclared = member.Access{
		Enabled: true,
		Roles: []member.Role{
			{Name: "auditors", Permissions: []member.Permission{member.Permission(readConfig)}},
			{Name: "orders", Permissions: []member.Permission{member.Permission(readConfig), member.Permission(allOrders)}},
		},
		Users: []member.User{
			{Name: "app", Roles: []string{"auditors", "orders"}},
			{Name: "nobody"},
			{Name: "patroni", Roles: []string{"orders"}},
			{Name: "root", Roles: []string{"root"}},
		},
	}
)

func off(a cluster.Auth) cluster.Auth { a.Enabled = false; return a }

func with(a member.Access, change func(*member.Access)) member.Access {
	a.Users, a.Roles = slices.Clone(a.Users), slices.Clone(a.Roles)
	change(&a)
	return a
}

func TestUsersAndRolesBecomeWhatIsDeclared(t *testing.T) {
	for name, c := range map[string]struct {
		want      cluster.Auth
		have      member.Access
		passwords map[string]member.Password
		plan      string
	}{
		"all is as declared": {want: declared, have: asDeclared},
		"nothing is there: root comes first, and users are turned on last": {want: declared, plan: `
 1. set user root: it comes with the administrator's certificate
 2. set role auditors: read on key /config
 3. set role orders: read on key /config, readwrite on prefix /orders/
 4. set user app: role auditors, role orders
 5. set user nobody: it may do nothing
 6. set user patroni: role orders
 7. turn users on: root and all that are declared are there (clients that are no user are refused)`},
		"they are to be there, and not on": {want: off(declared), plan: `
 1. set user root: it comes with the administrator's certificate
 2. set role auditors: read on key /config
 3. set role orders: read on key /config, readwrite on prefix /orders/
 4. set user app: role auditors, role orders
 5. set user nobody: it may do nothing
 6. set user patroni: role orders`},
		"they are turned off first, and then go": {want: cluster.Auth{}, have: asDeclared, plan: `
 1. turn users off: auth.enabled is false: whoever can connect may do everything
 2. remove user app: it is not declared
 3. remove user nobody: it is not declared
 4. remove user patroni: it is not declared
 5. remove role auditors: it is not declared
 6. remove role orders: it is not declared`},
		"what others have made goes before users are on": {
			want: cluster.Auth{Enabled: true},
			have: member.Access{Users: []member.User{{Name: "mallory", Roles: []string{"root"}}}, Roles: []member.Role{{Name: "root"}, {Name: "old"}}},
			plan: `
 1. set user root: it comes with the administrator's certificate
 2. remove user mallory: it is not declared
 3. remove role old: it is not declared
 4. turn users on: root and all that are declared are there (clients that are no user are refused)`,
		},
		"root has lost its role": {
			want: off(declared), have: with(asDeclared, func(a *member.Access) { a.Enabled, a.Users[3].Roles = false, nil }),
			plan: "\n 1. set user root: it comes with the administrator's certificate",
		},
		"a member's user is there for its health check": {
			want: cluster.Auth{Users: []cluster.User{{Name: "etcd1", Member: true}}}, have: member.Access{Users: asDeclared.Users[3:]},
			plan: "\n 1. set user etcd1: its health check comes by its certificate, and may do nothing",
		},
		"a role and a user have more and less than they are to have": {
			want: declared,
			have: with(asDeclared, func(a *member.Access) {
				a.Roles[1].Permissions = []member.Permission{{Key: "/config", Write: true, Read: true}, {Key: "/all/", End: "/all0", Write: true}}
				a.Users[0].Roles = []string{"orders", "others"}
			}),
			plan: `
 1. set role orders: read on key /config, readwrite on prefix /orders/, no more write on prefix /all/
 2. set user app: role auditors, no more role others`,
		},
		"another password": {
			want: declared, have: asDeclared, passwords: map[string]member.Password{"patroni": member.WrongPassword},
			plan: "\n 1. set user patroni: another password",
		},
		"a password can't be looked at while users are off": {
			want: declared, have: with(asDeclared, func(a *member.Access) { a.Enabled = false }),
			plan: `
 1. set user patroni: the password, which can't be looked at
 2. turn users on: root and all that are declared are there (clients that are no user are refused)`,
		},
		"a user without a password is to have one, and the other way round": {
			want: declared, have: asDeclared,
			passwords: map[string]member.Password{"patroni": member.NoPassword, "app": member.WrongPassword},
			plan: `
 1. remove user app: it has a password, and is to come with a certificate
 2. set user app: role auditors, role orders
 3. remove user patroni: it comes with a certificate, and is to have a password
 4. set user patroni: role orders`,
		},
		"this program is not let in": {
			want: declared, have: member.Access{Enabled: true, Denied: true},
			plan: "\nrefused: etcd goes by its users, and does not take the certificate of this cluster's root for its user root",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := servingWorld()
			s := f.world.situation(converge.Asked{Verb: converge.Up}, nil)
			s.Want.Auth = &c.want
			s.Access = &converge.Access{Access: c.have, Passwords: c.passwords}
			steps, err := converge.Plan(s)
			got := strings.TrimRight("\n"+steps.String(), "\n")
			if err != nil {
				got += "\nrefused: " + err.Error()
			}
			if diff := cmp.Diff(c.plan, got); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUsersComeAfterAFirstStart(t *testing.T) {
	w := world{want: 1, minor: 7}
	s := w.situation(converge.Asked{Verb: converge.Up}, nil)
	s.Want.Auth = &cluster.Auth{Enabled: true}
	steps, err := converge.Plan(s)
	if err != nil || len(steps) < 4 || steps[len(steps)-1].Kind != converge.TurnUsersOn {
		t.Errorf("the plan is\n%s%v", steps, err)
	}
}

// A run that is stopped anywhere is finished by the next one.
func TestUsersAreFinishedByTheNextRun(t *testing.T) {
	for stop := 1; ; stop++ {
		f := servingWorld()
		f.passwords = map[string]string{"patroni": "old"}
		f.access = with(asDeclared, func(a *member.Access) {
			a.Roles[0].Permissions = nil
			a.Roles = append(a.Roles, member.Role{Name: "old"})
			a.Users = append(a.Users[1:], member.User{Name: "old"})
		})
		n := 0
		f.before = func(call string) error {
			if n++; n == stop && call != "look" {
				return errors.New("stopped")
			}
			return nil
		}
		w := f.wish(converge.Asked{Verb: converge.Up})
		w.Want.Auth, w.Passwords = &declared, map[string]string{"patroni": "secret"}
		_, first := f.hands().Do(t.Context(), w)
		reached := n >= stop
		f.before = nil
		if _, err := f.hands().Do(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		byName := cmpopts.SortSlices(func(a, b member.User) bool { return a.Name < b.Name })
		if diff := cmp.Diff(asDeclared, f.access, byName); diff != "" || f.passwords["patroni"] != "secret" {
			t.Fatalf("stopped at call %d (%v), then with %v (-want +got):\n%s", stop, first, f.passwords, diff)
		}
		if !reached {
			return
		}
	}
}

func servingWorld() *fake {
	f := &fake{world: world{want: 1, minor: 7, agreed: 7, stored: 7, founders: 1}}
	for _, k := range kinds {
		if k.name == "serving" {
			k.put(&f.world, 0)
		}
	}
	f.world.settle()
	return f
}

func (f *fakeEtcd) Access(context.Context) (member.Access, error) { return f.access, nil }

func (f *fakeEtcd) CheckPassword(_ context.Context, name, password string) (member.Password, error) {
	switch kept, ok := f.passwords[name]; {
	case !ok:
		return member.NoPassword, nil
	case kept != password:
		return member.WrongPassword, nil
	}
	return member.RightPassword, nil
}

func (f *fakeEtcd) change(format string, args ...any) error {
	return (*fake)(f).note("%s", fmt.Sprintf(format, args...))
}

func (f *fakeEtcd) SetRole(_ context.Context, want member.Role) error {
	if err := f.change("set role %s", want.Name); err != nil {
		return err
	}
	f.access.Roles = slices.DeleteFunc(f.access.Roles, func(r member.Role) bool { return r.Name == want.Name })
	f.access.Roles = append(f.access.Roles, want)
	slices.SortFunc(f.access.Roles, func(a, b member.Role) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func (f *fakeEtcd) SetUser(_ context.Context, want member.User, password string) error {
	if err := f.change("set user %s", want.Name); err != nil {
		return err
	}
	if password != "" {
		f.passwords[want.Name] = password
	}
	f.access.Users = slices.DeleteFunc(f.access.Users, func(u member.User) bool { return u.Name == want.Name })
	f.access.Users = append(f.access.Users, want)
	return nil
}

func (f *fakeEtcd) RemoveRole(_ context.Context, name string) error {
	f.access.Roles = slices.DeleteFunc(f.access.Roles, func(r member.Role) bool { return r.Name == name })
	return f.change("remove role %s", name)
}

func (f *fakeEtcd) RemoveUser(_ context.Context, name string) error {
	f.access.Users = slices.DeleteFunc(f.access.Users, func(u member.User) bool { return u.Name == name })
	return f.change("remove user %s", name)
}

func (f *fakeEtcd) EnableAuth(context.Context) error {
	f.access.Enabled = true
	return f.change("turn users on")
}

func (f *fakeEtcd) DisableAuth(context.Context) error {
	f.access.Enabled = false
	return f.change("turn users off")
}

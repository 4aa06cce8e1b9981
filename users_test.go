//go:build unix

package etcdctr_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// A cluster whose data is back and whose users can't be made is not called restored, and
// the next Up makes them.
func TestRestoredWithoutItsUsers(t *testing.T) {
	folder := t.TempDir()
	ctx := t.Context()
	password := filepath.Join(folder, "password")
	writePassword := func() {
		if err := os.WriteFile(password, []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writePassword()
	find := func(auth *cluster.AuthSpec) *etcdctr.Cluster {
		t.Helper()
		c, err := etcdctr.New(etcdctr.Options{Folder: folder, Runtimes: []runtime.Runtime{processes(folder)}}).
			Find(ctx, cluster.Spec{Name: "guarded", Members: cluster.Count(1), ClientPort: "auto", Auth: auth})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	open := find(nil)
	if _, err := open.Up(ctx, etcdctr.UpOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := open.Down(context.WithoutCancel(ctx), true); err != nil {
			t.Error(err)
		}
	})
	place, _, err := open.Backup(ctx, t.TempDir(), backup.Request{})
	if err != nil {
		t.Fatal(err)
	}

	c := find(&cluster.AuthSpec{Enabled: "true", Users: []cluster.UserSpec{{Name: "patroni", Roles: []string{"root"}, PasswordFile: password}}})
	restored, err := c.Restore(ctx, place, etcdctr.RestoreOptions{
		Bump:    backup.DefaultBump,
		Consent: func(context.Context, backup.There) error { return os.Remove(password) },
	})
	var users *etcdctr.UsersError
	if !errors.As(err, &users) || !errors.As(err, new(cluster.Problems)) || restored.Revision < backup.DefaultBump {
		t.Fatalf("restored to revision %d: %v, want a UsersError of a file that is not there", restored.Revision, err)
	}
	// Nobody but root is let in meanwhile.
	if err := c.WithMembers(ctx, func(members *member.Client) error {
		access, err := members.Access(ctx)
		if err != nil || !access.Enabled || len(access.Users) != 1 || access.Users[0].Name != cluster.RootName {
			t.Errorf("before its users are made it has %+v: %v", access, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	writePassword()
	made, err := c.Up(ctx, etcdctr.UpOptions{})
	put := func(s converge.Step) bool { return s.Kind == converge.PutUser && s.To == "patroni" }
	if err != nil || !slices.ContainsFunc(made.Done, put) {
		t.Errorf("up has done %v: %v", made.Done, err)
	}
}

// A recovery that comes to nothing leaves who is left running: it had to be stopped for what
// it has on disk.
func TestARecoveryThatIsRefusedLeavesTheSurvivorRunning(t *testing.T) {
	folder := t.TempDir()
	ctx := t.Context()
	find := func(spec cluster.Spec) *etcdctr.Cluster {
		t.Helper()
		spec.Name, spec.Members, spec.ClientPort = "guarded", cluster.Count(3), "auto"
		c, err := etcdctr.New(etcdctr.Options{Folder: folder, Runtimes: []runtime.Runtime{processes(folder)}}).Find(ctx, spec)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := find(cluster.Spec{Auth: &cluster.AuthSpec{Enabled: "true"}})
	if _, err := c.Up(ctx, etcdctr.UpOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := c.Down(context.WithoutCancel(ctx), true); err != nil {
			t.Error(err)
		}
	})
	for _, lost := range []string{"etcd2", "etcd3"} {
		err := c.Runtime().Stop(ctx, "guarded", 0, lost)
		if err = errors.Join(err, os.RemoveAll(filepath.Join(folder, ".etcdctr", "guarded", lost, "data"))); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []struct {
		spec cluster.Spec
		want error
	}{
		{cluster.Spec{TLS: "none"}, backup.ErrUsers},
		{cluster.Spec{Data: "memory"}, backup.ErrVolatile},
	} {
		_, err := find(r.spec).Recover(ctx, etcdctr.RecoverOptions{
			RestoreOptions: etcdctr.RestoreOptions{Consent: func(context.Context, backup.There) error { return nil }}, Output: t.TempDir(),
		})
		have, errHave := c.Observe(ctx)
		if s, _ := have.Server("etcd1"); !errors.Is(err, r.want) || errHave != nil || s.Status != runtime.Running {
			t.Errorf("it is %s after %v, %v; want %v", s.Status, err, errHave, r.want)
		}
	}
}

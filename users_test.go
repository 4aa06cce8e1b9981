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
	writePassword()
	made, err := c.Up(ctx, etcdctr.UpOptions{})
	on := func(s converge.Step) bool { return s.Kind == converge.TurnUsersOn }
	if err != nil || !slices.ContainsFunc(made.Done, on) {
		t.Errorf("up has done %v: %v", made.Done, err)
	}
}

//go:build unix

package local_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime/local"
)

// Whose folder is reached through a link, was moved or is a copy has the data that is in
// it, and no other: it counts as lost with the cluster, and another's is not touched.
func TestAMembersDataIsInTheFolderThatIsAskedAbout(t *testing.T) {
	for _, how := range []string{"link", "moved", "copy"} {
		t.Run(how, func(t *testing.T) {
			project, other := reachedBy(t, how)
			r := local.New(options(t, other))
			have, err := r.Observe(t.Context(), "orders")
			if err != nil {
				t.Fatal(err)
			}
			data := filepath.Join(other, ".etcdctr", "orders", "etcd1", "data")
			if lost, lent := have.Losses(), have.Lent(); !cmp.Equal(lost, []string{data}) || len(lent) > 0 {
				t.Errorf("lost would be %q, and lent is %q", lost, lent)
			}
			if have.CertsDir != filepath.Join(other, "certs") {
				t.Errorf("its certificates are in %s", have.CertsDir)
			}
			if _, err := r.SetAside(t.Context(), "orders", "etcd1"); err != nil {
				t.Fatal(err)
			}
			if all, err := r.Aside(t.Context(), "orders", "etcd1"); err != nil || len(all) != 1 || filepath.Dir(all[0]) != filepath.Dir(data) {
				t.Errorf("set aside is %q, %v", all, err)
			}
			if _, err := os.Stat(filepath.Join(project, ".etcdctr", "orders", "etcd1", "data")); how == "copy" && err != nil {
				t.Errorf("the data of what it is a copy of was touched: %v", err)
			}
		})
	}
}

// reachedBy gives a project's folder and the one that it has become, or is found in.
func reachedBy(t *testing.T, how string) (project, other string) {
	t.Helper()
	top := t.TempDir()
	project, other = filepath.Join(top, "project"), filepath.Join(top, "other")
	describe(t, project, project)
	var err error
	switch how {
	case "link":
		err = os.Symlink(project, other)
	case "moved":
		err = os.Rename(project, other)
	case "copy":
		describe(t, other, project)
	}
	if err != nil {
		t.Fatal(err)
	}
	return project, other
}

// describe puts a cluster of one member into a project's folder, as it was written down
// when that was another.
func describe(t *testing.T, project, was string) {
	t.Helper()
	home := filepath.Join(was, ".etcdctr", "orders")
	stack, err := json.Marshal(process.Stack{
		Name: "orders", Home: home, Base: was, Notes: map[string]string{"certs-dir": filepath.Join(was, "certs")},
		Members: []process.Member{{Name: "etcd1", Args: []string{"etcd"}, DataDir: filepath.Join(home, "etcd1", "data")}},
	})
	here := filepath.Join(project, ".etcdctr", "orders")
	wal := filepath.Join(here, "etcd1", "data", "member", "wal")
	err = errors.Join(err, os.MkdirAll(wal, 0o700), os.WriteFile(filepath.Join(wal, "0.wal"), nil, 0o600),
		os.WriteFile(filepath.Join(here, "stack.json"), stack, 0o600))
	if err != nil {
		t.Fatal(err)
	}
}

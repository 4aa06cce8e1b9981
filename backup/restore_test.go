//go:build unix

package backup_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/api/v3/version"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/local"
)

// processes is a runtime of a folder of its own.
func processes(t *testing.T) *local.Runtime {
	t.Helper()
	v, err := cluster.ParseVersion(version.Version)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return local.New(local.Options{
		Folder: filepath.Join(dir, ".etcdctr"), CertsDir: filepath.Join(dir, "certs"), Self: self(t),
		Carried: &local.Program{Path: self(t), Version: v}, Environ: []string{"PATH=/usr/bin"}, Now: time.Now,
		Further: 24_000, // tests of other packages run at the same time
	})
}

func place(t *testing.T, r runtime.Runtime, members int) *cluster.Cluster {
	t.Helper()
	c, err := r.Place(t.Context(), cluster.Spec{Name: "orders", TLS: "none", Members: cluster.Count(members)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Remove(context.Background(), "orders", runtime.Removal{Data: true}); err != nil {
			t.Errorf("the clean-up fails: %v", err)
		}
	})
	return c
}

func ask(_ context.Context, have *runtime.State) (*member.Client, func() error, error) {
	urls := map[string]string{}
	for _, m := range have.Members() {
		urls[m.Name] = "http://" + m.Published[0]
	}
	c, err := member.New(member.Config{URLs: urls})
	if err != nil {
		return nil, nil, err
	}
	return c, c.Close, nil
}

// endpoints are the members' addresses.
func endpoints(t *testing.T, r runtime.Runtime) []string {
	t.Helper()
	have, err := r.Observe(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range have.Members() {
		all = append(all, "http://"+m.Published[0])
	}
	return all
}

func restoration(t *testing.T, r backup.Runtime, want *cluster.Cluster) *backup.Restoration {
	t.Helper()
	return &backup.Restoration{
		Runtime: r, Want: want, Bump: backup.DefaultBump, Scratch: t.TempDir(), Ask: ask,
		Consent: func(_ context.Context, there backup.There) error {
			return fmt.Errorf("asked about %v", there.Data)
		},
	}
}

// archiveOf is a backup of a cluster of one member and so many keys, and its revision.
func archiveOf(t *testing.T, keys, size int) (archive string, revision int64) {
	t.Helper()
	c := start(t, []string{"a"})
	if _, err := c.client.WaitClusterVersion(t.Context(), fmt.Sprintf("3.%d", cluster.NewestMinor)); err != nil { // what is younger tells no release
		t.Fatal(err)
	}
	revision = write(t, c.raw(t), keys, size)
	return take(t, c.client), revision
}

// archiveOfMembers is a backup of the cluster that runs.
func archiveOfMembers(t *testing.T, r runtime.Runtime) string {
	t.Helper()
	have, err := r.Observe(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	client, done, err := ask(t.Context(), have)
	if err != nil {
		t.Fatal(err)
	}
	archive := take(t, client)
	if err := done(); err != nil {
		t.Fatal(err)
	}
	return archive
}

func take(t *testing.T, client *member.Client) string {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "a.tar.zst")
	if _, err := backup.Take(t.Context(), client, archive, request()); err != nil {
		t.Fatal(err)
	}
	return archive
}

func get(t *testing.T, etcd *clientv3.Client, key string) string {
	t.Helper()
	got, err := etcd.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Kvs) == 0 {
		return ""
	}
	return string(got.Kvs[0].Value)
}

// A backup of one member becomes a cluster of three, and later takes its place
// once more, which can be undone.
func TestABackupBecomesAnotherCluster(t *testing.T) {
	archive, before := archiveOf(t, 50, 100)
	r := processes(t)
	want := place(t, r, 3)
	restored, err := restoration(t, r, want).Do(t.Context(), archive)
	if err != nil {
		t.Fatal(err)
	}
	if restored.Revision != before+backup.DefaultBump || len(restored.Aside) != 0 {
		t.Errorf("%+v, want revision %d", restored, before+backup.DefaultBump)
	}
	etcd := connect(t, endpoints(t, r)...)
	if get(t, etcd, "key00049") == "" {
		t.Error("a key of the backup is not there")
	}
	_, err = etcd.Get(t.Context(), "key00049", clientv3.WithRev(before))
	if !errors.Is(err, rpctypes.ErrCompacted) {
		t.Errorf("who knows the revision of before gets %v", err)
	}
	over(t, r, want, archive, put(t, etcd, "later"))
}

// lostMachine is a runtime with a member more, whose machine is away.
type lostMachine struct{ *local.Runtime }

func (l lostMachine) Observe(ctx context.Context, name string) (*runtime.State, error) {
	have, err := l.Runtime.Observe(ctx, name)
	if err != nil {
		return nil, err
	}
	have.Servers = append(have.Servers, runtime.Server{Name: "etcd9", Role: runtime.Member, Status: runtime.Away, Published: []string{"127.0.0.1:1"}})
	return have, nil
}

// A machine that is away is not waited for by a cluster that does without it.
func TestWhatIsRestoredIsTheClusterThatIsWanted(t *testing.T) {
	archive, _ := archiveOf(t, 5, 100)
	r := processes(t)
	if _, err := restoration(t, lostMachine{r}, place(t, r, 1)).Do(t.Context(), archive); err != nil {
		t.Error(err)
	}
}

// A database that bbolt has written to may be in a file of more than 16 MiB, whatever it
// holds.
func TestADatabaseBeyondTheQuotaIsTold(t *testing.T) {
	for writes, told := range map[int]bool{1: false, 20: true} {
		t.Run(fmt.Sprint(writes), func(t *testing.T) {
			archive, _ := archiveOf(t, writes, 1<<20)
			r := processes(t)
			want := place(t, r, 1)
			for i, s := range want.Members[0].Settings {
				if s.Name == "quota-backend-bytes" {
					want.Members[0].Settings[i].Value = "16777216"
				}
			}
			restored, err := restoration(t, r, want).Do(t.Context(), archive)
			if err != nil || restored.Overfull != told {
				t.Errorf("%+v, %v: want it told that etcd will take no write: %v", restored, err, told)
			}
		})
	}
}

// put gives the revision of a change.
func put(t *testing.T, etcd *clientv3.Client, key string) int64 {
	t.Helper()
	put, err := etcd.Put(t.Context(), key, "than the backup")
	if err != nil {
		t.Fatal(err)
	}
	return put.Header.Revision
}

// over restores over a cluster that runs, over one that is stopped, and undoes that. No
// revision that clients have seen comes a second time.
func over(t *testing.T, r *local.Runtime, want *cluster.Cluster, archive string, seen int64) {
	t.Helper()
	again := restoration(t, r, want)
	if _, err := again.Do(t.Context(), archive); err == nil || err.Error() != "asked about [etcd1 etcd2 etcd3]" {
		t.Errorf("without consent: %v", err)
	}
	if get(t, connect(t, endpoints(t, r)...), "later") == "" {
		t.Error("without consent the cluster was touched")
	}
	again.Consent = func(context.Context, backup.There) error { return nil }
	restored, err := again.Do(t.Context(), archive)
	if err != nil {
		t.Fatal(err)
	}
	if len(restored.Aside) != 3 {
		t.Errorf("set aside is %v", restored.Aside)
	}
	if restored.Revision != seen+backup.DefaultBump {
		t.Errorf("it has revision %d, where clients have seen %d", restored.Revision, seen)
	}
	if get(t, connect(t, endpoints(t, r)...), "later") != "" {
		t.Error("what came after the backup is there")
	}
	if back, err := backup.Undo(t.Context(), r, "orders"); err != nil || len(back) != 3 {
		t.Fatalf("undone: %v, %v", back, err)
	}
	if err := r.Start(t.Context(), "orders"); err != nil {
		t.Fatal(err)
	}
	if get(t, connect(t, endpoints(t, r)...), "later") == "" {
		t.Error("the former data did not come back")
	}
	overStopped(t, r, again, archive)
}

// overStopped restores over a cluster that is stopped.
func overStopped(t *testing.T, r *local.Runtime, again *backup.Restoration, archive string) {
	t.Helper()
	seen := put(t, connect(t, endpoints(t, r)...), "again")
	if err := r.Stop(t.Context(), "orders", 0); err != nil {
		t.Fatal(err)
	}
	restored, err := again.Do(t.Context(), archive)
	if err != nil || restored.Revision != seen+backup.DefaultBump {
		t.Errorf("it has revision %d, where clients of the stopped one have seen %d: %v", restored.Revision, seen, err)
	}
}

// failing fails to fill one of the servers.
type failing struct {
	*local.Runtime
	server string
}

func (f failing) Stage(ctx context.Context, want *cluster.Cluster, server string, by runtime.Restoration, made runtime.Made) error {
	if server == f.server {
		return errors.New("the disk is full")
	}
	return f.Runtime.Stage(ctx, want, server, by, made)
}

func TestARestorationThatFailsLeavesTheOldClusterRunning(t *testing.T) {
	r := processes(t)
	want := place(t, r, 3)
	if err := r.Apply(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, endpoints(t, r)...).Put(t.Context(), "kept", "yes"); err != nil {
		t.Fatal(err)
	}
	archive := archiveOfMembers(t, r)
	bad := restoration(t, failing{r, "etcd3"}, want)
	bad.Consent = func(context.Context, backup.There) error { return nil }
	if _, err := bad.Do(t.Context(), archive); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Fatalf("it gives %v", err)
	}
	if got := get(t, connect(t, endpoints(t, r)...), "kept"); got != "yes" {
		t.Errorf("the old cluster holds %q", got)
	}
	left, err := os.ReadDir(bad.Scratch)
	if err != nil || len(left) > 0 {
		t.Errorf("the scratch folder holds %v, %v", left, err)
	}
}

// etcd tells who a client is by its certificate, and nobody here has a password.
func TestUsersOfWhomNobodyIsAnyHereAreRefused(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"a"})
	etcd := c.raw(t)
	_, errUser := etcd.UserAdd(t.Context(), "root", "secret")
	_, errRole := etcd.UserGrantRole(t.Context(), "root", "root")
	_, errOn := etcd.AuthEnable(t.Context())
	if err := errors.Join(errUser, errRole, errOn); err != nil {
		t.Fatal(err)
	}
	root, err := clientv3.New(clientv3.Config{Endpoints: etcd.Endpoints(), Username: "root", Password: "secret", Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	from, err := root.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bare := filepath.Join(t.TempDir(), "snapshot.db")
	to, err := os.Create(bare)
	if err != nil {
		t.Fatal(err)
	}
	_, errCopy := io.Copy(to, from)
	if err := errors.Join(errCopy, to.Close(), from.Close()); err != nil {
		t.Fatal(err)
	}
	r := processes(t)
	if _, err := restoration(t, r, place(t, r, 1)).Do(t.Context(), bare); !errors.Is(err, backup.ErrUsers) {
		t.Errorf("it gives %v", err)
	}
	if _, err := r.Observe(t.Context(), "orders"); !errors.Is(err, runtime.ErrNotFound) {
		t.Errorf("something was made: %v", err)
	}
}

func TestAnOlderEtcdIsRefused(t *testing.T) {
	t.Parallel()
	archive, _ := archiveOf(t, 5, 100)
	r := processes(t)
	want := *place(t, r, 1)
	want.Etcd = cluster.Version{Minor: 6, Patch: 16}
	old := &backup.TooOldError{}
	if _, err := restoration(t, r, &want).Do(t.Context(), archive); !errors.As(err, &old) || old.Data != 7 {
		t.Errorf("data of 3.7 for etcd 3.6 gives %v", err)
	}
	if _, err := r.Observe(t.Context(), "orders"); !errors.Is(err, runtime.ErrNotFound) {
		t.Errorf("something was made: %v", err)
	}
}

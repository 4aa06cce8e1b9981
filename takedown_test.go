package etcdctr_test

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// doomed is a cluster with data of its own and of somebody else's.
func doomed(folder string) described {
	state := &runtime.State{Name: "etcd", Folder: folder, Others: []string{"web"}, Servers: []runtime.Server{
		{Name: "etcd1", Role: runtime.Member, Status: runtime.Running, DataAt: "etcd_etcd1", Data: runtime.Kept},
		{Name: "etcd2", Role: runtime.Member, DataAt: "/srv/etcd2", Data: runtime.Kept, Lent: true},
	}}
	return described{fake: fake{name: "process", has: map[string]*runtime.State{"etcd": state}}}
}

func TestDataIsDeletedOnceItIsConsentedTo(t *testing.T) {
	var said []string
	refused := errors.New("no")
	take := func(answer error, data bool) (etcdctr.Gone, error) {
		said = nil
		return find(t, doomed(""), cluster.Spec{}).TakeDown(t.Context(), etcdctr.TakeDownOptions{
			Data: data,
			Consent: func(_ context.Context, losses []string) error {
				said = append(said, "asked of", losses[0])
				return answer
			},
			Change: func(_ context.Context, change etcdctr.Change) error {
				if change.Verb != converge.Down || change.Data != data {
					t.Errorf("the change is %+v", change)
				}
				said = append(said, "gone")
				return nil
			},
		})
	}
	if _, err := take(refused, true); !errors.Is(err, refused) || !cmp.Equal(said, []string{"asked of", "etcd_etcd1"}) {
		t.Errorf("refused: %v, after %v", err, said)
	}
	gone, err := take(nil, true)
	if err != nil || !cmp.Equal(said, []string{"asked of", "etcd_etcd1", "gone"}) {
		t.Errorf("consented to: %v, after %v", err, said)
	}
	want := etcdctr.Gone{Losses: []string{"etcd_etcd1"}, Lent: []string{"/srv/etcd2"}, Others: []string{"web"}}
	if diff := cmp.Diff(want, gone); diff != "" || gone.Spared() {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if gone, err := take(refused, false); err != nil || !cmp.Equal(said, []string{"gone"}) || gone.Losses != nil {
		t.Errorf("with its data kept: %+v, %v, after %v", gone, err, said)
	}
}

// Nobody is asked about what may not be deleted, or undone, from here.
func TestAClusterOfAnotherFolderIsRefusedBeforeAnybodyIsAsked(t *testing.T) {
	c := find(t, doomed(t.TempDir()), cluster.Spec{})
	_, err := c.TakeDown(t.Context(), etcdctr.TakeDownOptions{Data: true, Consent: func(context.Context, []string) error {
		t.Error("it is asked whether the data may be deleted")
		return nil
	}})
	if !errors.As(err, new(*etcdctr.OtherFolderError)) {
		t.Errorf("down: %v", err)
	}
	_, err = c.Undo(t.Context(), func(context.Context) error {
		t.Error("it is asked whether members may stop")
		return nil
	})
	if !errors.As(err, new(*etcdctr.OtherFolderError)) {
		t.Errorf("undo: %v", err)
	}
	if _, err := c.RestoreToUndo(t.Context()); !errors.As(err, new(*etcdctr.OtherFolderError)) {
		t.Errorf("what there is to undo: %v", err)
	}
}

// Who has said no name, or has it in a copy of a file, means the cluster of the own folder:
// all that say none are called the same. One that was moved is not elsewhere any more.
func TestAClusterOfAnotherFolderIsNotChangedUnlessItIsNamed(t *testing.T) {
	other := t.TempDir()
	for _, verb := range []converge.Verb{converge.Up, converge.Replace, converge.Restart, converge.Stop, converge.Down} {
		change := etcdctr.Change{Verb: verb}
		refused := (*etcdctr.OtherFolderError)(nil)
		if _, err := find(t, doomed(other), unnamed(t)).Make(t.Context(), change); !errors.As(err, &refused) || refused.Folder != other || !refused.Kept {
			t.Errorf("%s: %v", verb, err)
		}
		if _, err := find(t, doomed(other), unnamed(t)).Plan(t.Context(), change); !errors.As(err, &refused) {
			t.Errorf("the plan of %s: %v", verb, err)
		}
		for what, spec := range map[string]cluster.Spec{"named": {Name: "etcd", TLS: "none"}, "moved": unnamed(t)} {
			folder := map[string]string{"named": other, "moved": filepath.Join(other, "gone")}[what]
			if _, err := find(t, doomed(folder), spec).Plan(t.Context(), change); errors.As(err, &refused) {
				t.Errorf("%s %s: %v", verb, what, err)
			}
		}
	}
	if _, err := find(t, doomed(other), unnamed(t)).Plan(t.Context(), etcdctr.Change{Verb: converge.Start}); errors.As(err, new(*etcdctr.OtherFolderError)) {
		t.Errorf("start: %v", err)
	}
}

// Members would be stopped for what is then not replaced.
func TestAClusterOfAnotherFolderIsNotRecovered(t *testing.T) {
	o := etcdctr.RecoverOptions{RestoreOptions: etcdctr.RestoreOptions{Consent: func(context.Context, backup.There) error {
		t.Error("it is asked whether it may be replaced")
		return nil
	}}}
	if _, err := find(t, doomed(t.TempDir()), unnamed(t)).Recover(t.Context(), o); !errors.As(err, new(*etcdctr.OtherFolderError)) {
		t.Errorf("recover: %v", err)
	}
	if _, err := find(t, doomed(t.TempDir()), unnamed(t)).PlanRecover(t.Context(), o); !errors.As(err, new(*etcdctr.OtherFolderError)) {
		t.Errorf("its plan: %v", err)
	}
	if _, err := find(t, doomed(t.TempDir()), cluster.Spec{Name: "etcd", TLS: "none"}).PlanRecover(t.Context(), o); err == nil || errors.As(err, new(*etcdctr.OtherFolderError)) {
		t.Errorf("named: %v", err)
	}
}

// sharing notes that members are brought files of here.
type sharing struct {
	described
	shared *bool
}

func (s sharing) Share(context.Context, *cluster.Cluster, ...string) error {
	*s.shared = true
	return nil
}

func TestMembersOfAnotherFolderAreNotBroughtTheFilesOfThisOne(t *testing.T) {
	for folder, want := range map[string]bool{t.TempDir(): false, filepath.Join(t.TempDir(), "gone"): true} {
		shared := false
		err := find(t, sharing{doomed(folder), &shared}, cluster.Spec{}).HandOut(t.Context())
		if shared != want || errors.As(err, new(*etcdctr.OtherFolderError)) == want {
			t.Errorf("from the folder %s: %v, %v", folder, shared, err)
		}
	}
}

// unnamed is what a file says that names no cluster.
func unnamed(t *testing.T) cluster.Spec {
	t.Helper()
	spec, err := cluster.Load("etcdctr.yaml", []byte("tls: none\n"))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// Nothing tells whose the data is that Docker Compose has left. Who has no certificates is
// not who has made it.
func TestDataOfNobodyThatIsKnownIsNoClustersWithoutCertificates(t *testing.T) {
	left := doomed("")
	for i := range left.has["etcd"].Servers {
		left.has["etcd"].Servers[i].Status = runtime.Absent
	}
	certs := t.TempDir()
	for _, change := range []etcdctr.Change{{Verb: converge.Up}, {Verb: converge.Down, Data: true}} {
		unknown := (*etcdctr.UnknownFolderError)(nil)
		if _, err := find(t, left, cluster.Spec{}).Plan(t.Context(), change); !errors.As(err, &unknown) || !cmp.Equal(unknown.Data, []string{"etcd_etcd1"}) {
			t.Errorf("%+v: %v", change, err)
		}
	}
	for _, spec := range []cluster.Spec{{CertsDir: certs}, {Name: "etcd"}, {TLS: "none"}} {
		if err := find(t, left, spec).CheckHere(left.has["etcd"]); err != nil {
			t.Errorf("%+v: %v", spec, err)
		}
	}
}

func TestNothingIsTakenDownAndHowARestorationLeftIt(t *testing.T) {
	c := find(t, described{fake: fake{name: "process"}}, cluster.Spec{})
	for _, data := range []bool{false, true} {
		if _, err := c.TakeDown(t.Context(), etcdctr.TakeDownOptions{Data: data}); !errors.Is(err, runtime.ErrNotFound) {
			t.Errorf("with data %t: %v", data, err)
		}
	}
	if ended, err := c.RestoreEnded(t.Context(), backup.Restored{}); err != nil || !ended.Bare {
		t.Errorf("nothing there: %+v, %v", ended, err)
	}
	there := find(t, doomed(""), cluster.Spec{})
	ended, err := there.RestoreEnded(t.Context(), backup.Restored{Aside: map[string]string{"etcd1": "aside"}})
	if err != nil || !ended.Placed {
		t.Errorf("in its place: %+v, %v", ended, err)
	}
	if ended, err := there.RestoreEnded(t.Context(), backup.Restored{}); err != nil || !slices.Equal(ended.Idle, []string{"etcd2"}) {
		t.Errorf("as before, and one does not run: %+v, %v", ended, err)
	}
	whole := doomed("")
	whole.has["etcd"].Servers = whole.has["etcd"].Servers[:1]
	if ended, err := find(t, whole, cluster.Spec{}).RestoreEnded(t.Context(), backup.Restored{}); err != nil || !reflect.DeepEqual(ended, etcdctr.Ended{}) {
		t.Errorf("as before: %+v, %v", ended, err)
	}
}

// resting is a cluster that is gone but for a network: it is removed once nobody is on it.
type resting struct {
	described
	used bool
	has  map[string]*runtime.State
}

func (r resting) Observe(ctx context.Context, name string) (*runtime.State, error) {
	if s, ok := r.has[name]; ok {
		return s, nil
	}
	return r.described.Observe(ctx, name)
}

func (r resting) Remove(_ context.Context, name string, removal runtime.Removal) error {
	if removal.Data {
		return errors.New("nobody was asked whether data may be deleted")
	}
	if !r.used {
		delete(r.has, name)
	}
	return nil
}

func TestWhatAClusterHasLeftIsTakenAwayLater(t *testing.T) {
	for _, data := range []bool{false, true} {
		r := resting{described: described{fake: fake{name: "process"}}, has: map[string]*runtime.State{"etcd": {Name: "etcd"}}, used: true}
		take := func() (etcdctr.Gone, error) {
			return find(t, r, cluster.Spec{}).TakeDown(t.Context(), etcdctr.TakeDownOptions{Data: data})
		}
		if gone, err := take(); !errors.Is(err, runtime.ErrNotFound) || gone.Rest {
			t.Errorf("while it is used: %+v, %v", gone, err)
		}
		r.used = false
		if gone, err := take(); err != nil || !gone.Rest {
			t.Errorf("then: %+v, %v", gone, err)
		}
		if gone, err := take(); !errors.Is(err, runtime.ErrNotFound) || gone.Rest {
			t.Errorf("afterwards: %+v, %v", gone, err)
		}
	}
}

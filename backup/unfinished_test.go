//go:build unix

package backup_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/etcd/server/v3/storage/wal"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/local"
)

// killed is a runtime under a program that is killed after so many changes: none comes
// after that, and nobody is ever started.
type killed struct {
	*local.Runtime
	mu   *sync.Mutex
	left *int
}

var errKilled = errors.New("killed")

const never = 1000

func killedAfter(r *local.Runtime, changes int) killed { return killed{r, new(sync.Mutex), &changes} }

func (k killed) change() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if *k.left == 0 {
		return errKilled
	}
	*k.left--
	return nil
}

func (k killed) Stage(ctx context.Context, want *cluster.Cluster, server string, by runtime.Restoration, made runtime.Made) error {
	if err := k.change(); err != nil {
		return err
	}
	return k.Runtime.Stage(ctx, want, server, by, made)
}

func (k killed) Exchange(ctx context.Context, want *cluster.Cluster, server string) (string, error) {
	if err := k.change(); err != nil {
		return "", err
	}
	return k.Runtime.Exchange(ctx, want, server)
}

func (k killed) SetAside(ctx context.Context, name, server string) (string, error) {
	if err := k.change(); err != nil {
		return "", err
	}
	return k.Runtime.SetAside(ctx, name, server)
}

func (k killed) Retract(ctx context.Context, name, server, where string) error {
	if err := k.change(); err != nil {
		return err
	}
	return k.Runtime.Retract(ctx, name, server, where)
}

func (k killed) BringBack(ctx context.Context, name, server, where string) error {
	if err := k.change(); err != nil {
		return err
	}
	return k.Runtime.BringBack(ctx, name, server, where)
}

func (k killed) Remark(ctx context.Context, name, server string, by runtime.Restoration) error {
	if err := k.change(); err != nil {
		return err
	}
	return k.Runtime.Remark(ctx, name, server, by)
}

func (k killed) Unstage(ctx context.Context, name, server string) error {
	if err := k.change(); err != nil {
		return err
	}
	return k.Runtime.Unstage(ctx, name, server)
}

func (k killed) Remove(ctx context.Context, name string, what runtime.Removal) error {
	if err := k.change(); err != nil {
		return err
	}
	return k.Runtime.Remove(ctx, name, what)
}

func (k killed) Apply(context.Context, *cluster.Cluster, ...string) error {
	*k.left = 0
	return errKilled
}

// half is a cluster that is stopped, and a backup of it that is older.
type half struct {
	*testing.T
	r       *local.Runtime
	want    *cluster.Cluster
	archive string
	former  map[string]string // what members hold, by name
}

func newHalf(t *testing.T, members int) *half {
	t.Helper()
	r := processes(t)
	h := &half{T: t, r: r, want: place(t, r, members)}
	if err := r.Apply(t.Context(), h.want); err != nil {
		t.Fatal(err)
	}
	put(t, connect(t, endpoints(t, r)...), "before")
	h.archive = archiveOfMembers(t, r)
	put(t, connect(t, endpoints(t, r)...), "later")
	if err := r.Stop(t.Context(), "orders", time.Second); err != nil {
		t.Fatal(err)
	}
	h.former = h.held()
	return h
}

func (h *half) observe() *runtime.State {
	h.Helper()
	have, err := h.r.Observe(h.Context(), "orders")
	if err != nil {
		h.Fatal(err)
	}
	return have
}

// held tells the members' data apart.
func (h *half) held() map[string]string {
	h.Helper()
	all := map[string]string{}
	for _, m := range h.observe().Members() {
		sum := sha256.New()
		err := filepath.WalkDir(filepath.Join(m.DataAt, "member"), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || d.Name() == filepath.Base(runtime.MarkFile) {
				return err
			}
			file, err := os.Open(path)
			if err != nil {
				return err
			}
			defer file.Close()
			_, err = io.CopyN(sum, file, 1<<20) // of a log what is written
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return err
		})
		if err != nil {
			h.Fatal(err)
		}
		all[m.Name] = fmt.Sprintf("%x", sum.Sum(nil))
	}
	return all
}

// restore is killed after so many changes, or before anybody is started.
func (h *half) restore(want *cluster.Cluster, changes int) {
	h.Helper()
	r := killedAfter(h.r, changes)
	again := restoration(h.T, r, want)
	again.Consent, again.Again = func(context.Context, backup.There) error { return nil }, []string{"restore", h.archive}
	if _, err := again.Do(h.Context(), h.archive); !errors.Is(err, errKilled) {
		h.Fatalf("it gives %v", err)
	}
}

// wantFormer wants the members to have what they had at first, and nothing staged.
func (h *half) wantFormer(when string) {
	h.Helper()
	h.wantHeld(when)
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(h.observe().Members()[0].DataAt)), "*", "*.filling")); err != nil || len(left) > 0 {
		h.Errorf("%s: %v is left, %v", when, left, err)
	}
	if err := backup.Undoable(h.Context(), h.r, h.observe()); err != nil && !errors.Is(err, backup.ErrNothing) && !errors.Is(err, backup.ErrUndone) {
		h.Error(err)
	}
}

func (h *half) wantHeld(when string) {
	h.Helper()
	now := h.held()
	for name, former := range h.former {
		if now[name] != former {
			h.Errorf("%s: %s does not have what it had", when, name)
		}
	}
}

// wantRestored wants all members of a description to have been made by one restoration,
// which is finished.
func (h *half) wantRestored(when string, want *cluster.Cluster) {
	h.Helper()
	made := map[string]bool{}
	for _, m := range want.Members {
		by, err := h.r.MadeBy(h.Context(), "orders", m.Name)
		if err != nil || by == nil {
			h.Fatalf("%s: the data of %s was made by %v, %v", when, m.Name, by, err)
		}
		made[by.ID] = true
	}
	by, err := backup.Unfinished(h.Context(), h.r, h.observe())
	if len(made) != 1 || by != nil || err != nil {
		h.Errorf("%s: the data is of %v, unfinished is %v, %v", when, made, by, err)
	}
}

func (h *half) undo() {
	h.Helper()
	if _, err := backup.Undo(h.Context(), h.r, "orders"); err != nil && !errors.Is(err, backup.ErrNothing) && !errors.Is(err, backup.ErrUndone) {
		h.Fatal(err)
	}
}

// undoAll undoes it: at once where it was finished, and else killed in the middle of that,
// too.
func (h *half) undoAll(unfinished, finished bool) {
	h.Helper()
	for undone := 0; unfinished; undone++ {
		if _, err := backup.Undo(h.Context(), killedAfter(h.r, undone), "orders"); err != nil && !errors.Is(err, errKilled) {
			h.Fatalf("it gives %v", err)
		}
		by, err := backup.Unfinished(h.Context(), h.r, h.observe())
		if err != nil {
			h.Fatal(err)
		}
		unfinished = by != nil
	}
	if finished {
		h.undo()
	}
}

// An undo that is killed after any of its changes, the last one included, and typed again
// comes to the same end: what there was before the last restoration, and not before the
// one before that. Where the members ran since, another one is meant.
func TestAnUndoKilledAfterAnyChange(t *testing.T) {
	defer func(size int64) { wal.SegmentSizeBytes = size }(wal.SegmentSizeBytes)
	wal.SegmentSizeBytes = 1 << 20
	for name, killed := range map[string]int{"of one that was finished": never, "of one that was not": 3} {
		t.Run(name, func(t *testing.T) {
			h := newHalf(t, 2)
			first := h.former
			h.restore(h.want, never)
			h.former = h.held()
			last := map[string]string{}
			for at, done := 0, false; !done; at++ {
				h.restore(h.want, killed)
				last = h.held()
				when := fmt.Sprintf("killed after %d changes", at)
				_, err := backup.Undo(t.Context(), killedAfter(h.r, at), "orders")
				if done = err == nil; !done && !errors.Is(err, errKilled) {
					t.Fatalf("%s: it gives %v", when, err)
				}
				h.undo()
				h.wantFormer(when)
				if _, err := backup.Undo(t.Context(), h.r, "orders"); !errors.Is(err, backup.ErrUndone) {
					t.Errorf("%s, and done: another one gives %v", when, err)
				}
				h.wantFormer(when + ", and once more")
			}
			if err := h.r.Apply(t.Context(), h.want); err != nil {
				t.Fatal(err)
			}
			h.undo()
			if h.former = first; killed == never {
				h.former = last
			}
			h.wantFormer("started since")
		})
	}
}

// A restoration that is killed after any of its changes is undone, and so it is where
// that is killed in turn; or it is begun anew, and comes to the same end.
func TestARestorationKilledAfterAnyChange(t *testing.T) {
	defer func(size int64) { wal.SegmentSizeBytes = size }(wal.SegmentSizeBytes)
	wal.SegmentSizeBytes = 1 << 20
	h := newHalf(t, 3)
	fewer := *h.want
	fewer.Members = h.want.Members[:2] // who is not wanted is set aside on the way
	for _, want := range []*cluster.Cluster{h.want, &fewer} {
		changes := len(want.Members)*2 + len(h.want.Members) - len(want.Members)
		for at := range changes + 1 {
			when := fmt.Sprintf("%d members, killed after %d of %d changes", len(want.Members), at, changes)
			h.restore(want, at)
			by, err := backup.Unfinished(t.Context(), h.r, h.observe())
			if err != nil || (by != nil) != (at > 0 && at < changes) {
				t.Errorf("%s: unfinished is %v, %v", when, by, err)
			}
			if by != nil && strings.Join(by.Again, " ") != "restore "+h.archive {
				t.Errorf("%s: what goes on with it is %v", when, by.Again)
			}
			h.undoAll(by != nil, at == changes)
			h.wantFormer(when)
			if at < changes { // one over a whole one would lead back to that
				h.restore(want, at)
			}
			h.restore(want, never)
			h.wantRestored(when, want)
			h.undo()
			h.wantFormer(when + ", and again")
		}
	}
	if err := h.r.Apply(t.Context(), h.want); err != nil {
		t.Fatal(err)
	}
	if get(t, connect(t, endpoints(t, h.r)...), "later") == "" {
		t.Error("what came after the backup is lost")
	}
}

// What some members had before does not come back once that of others is deleted: they
// would be of two clusters.
func TestWhatIsPartlyDeletedIsNotBroughtBack(t *testing.T) {
	defer func(size int64) { wal.SegmentSizeBytes = size }(wal.SegmentSizeBytes)
	wal.SegmentSizeBytes = 1 << 20
	h := newHalf(t, 2)
	h.restore(h.want, never)
	h.former = h.held()
	all, err := h.r.AllAside(t.Context(), "orders")
	if err != nil || len(all) != 2 {
		t.Fatalf("set aside is %+v, %v", all, err)
	}
	for i, want := range []error{backup.ErrDiscarded, backup.ErrNothing} {
		if err := h.r.Discard(t.Context(), "orders", all[i]); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Undo(t.Context(), h.r, "orders"); !errors.Is(err, want) {
			t.Errorf("without that of %s an undo gives %v, want %v", all[i].Server, err, want)
		}
		h.wantHeld("without that of " + all[i].Server)
	}
}

// An undo and its reverse lead to and fro where the restoration has made nothing for a member
// that had data: nothing of it is set aside once it has that again.
func TestAnUndoIsUndoneOfAMemberThatWasTakenAway(t *testing.T) {
	defer func(size int64) { wal.SegmentSizeBytes = size }(wal.SegmentSizeBytes)
	wal.SegmentSizeBytes = 1 << 20
	h := newHalf(t, 3)
	fewer, goes := *h.want, h.want.Members[2].Name
	fewer.Members = h.want.Members[:2]
	h.restore(&fewer, never)
	h.undo()
	h.wantFormer("undone")
	for _, when := range []string{"at first", "and again"} {
		if err := h.r.Apply(t.Context(), h.want); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Undo(t.Context(), h.r, "orders"); err != nil {
			t.Fatalf("%s, the undo of an undo gives %v", when, err)
		}
		h.wantRestored(when, &fewer)
		if data, err := h.r.Data(t.Context(), "orders", goes); data != runtime.None || err != nil {
			t.Errorf("%s, %s has data (%v, %v) that is not restored", when, goes, data, err)
		}
		h.undo()
		if data, err := h.r.Data(t.Context(), "orders", goes); data != runtime.Kept || err != nil {
			t.Errorf("%s, %s does not have its data again (%v, %v)", when, goes, data, err)
		}
	}
}

// A member that was replaced after a restoration has what came with it set aside, too, and is
// one of those that have what they had before once it is undone, wherever that is ended.
func TestAMemberThatWasReplacedSinceIsUndoneWithTheOthers(t *testing.T) {
	defer func(size int64) { wal.SegmentSizeBytes = size }(wal.SegmentSizeBytes)
	wal.SegmentSizeBytes = 1 << 20
	h := newHalf(t, 3)
	h.restore(h.want, never) // of before, which is not meant
	h.former = h.held()
	for at, done := 0, false; !done; at++ {
		h.restore(h.want, never)
		for range 1 + at%2 {
			h.replace(h.want.Members[at%3].Name)
		}
		_, err := backup.Undo(t.Context(), killedAfter(h.r, at), "orders")
		if done = err == nil; !done && !errors.Is(err, errKilled) {
			t.Fatalf("killed after %d changes: it gives %v", at, err)
		}
		h.undo()
		h.wantFormer(fmt.Sprintf("killed after %d changes", at))
	}
}

// replace gives a member data that nobody has restored.
func (h *half) replace(server string) {
	h.Helper()
	dir := h.want.Members[slices.IndexFunc(h.want.Members, func(m cluster.Member) bool { return m.Name == server })].Place.DataDir
	if _, err := h.r.SetAside(h.Context(), "orders", server); err != nil {
		h.Fatal(err)
	}
	log := filepath.Join(dir, "member", "wal", "0.wal")
	if err := errors.Join(os.MkdirAll(filepath.Dir(log), 0o700), os.WriteFile(log, []byte(server), 0o600)); err != nil {
		h.Fatal(err)
	}
}

// A member that was replaced has left data of the cluster that goes on: there is no
// restoration to undo.
func TestAReplacementIsNoRestoration(t *testing.T) {
	h := newHalf(t, 2)
	replaced := h.want.Members[0].Name
	where, err := h.r.SetAside(t.Context(), "orders", replaced)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Undo(t.Context(), h.r, "orders"); !errors.Is(err, backup.ErrNothing) {
		t.Errorf("an undo of it gives %v", err)
	}
	if err := h.r.BringBack(t.Context(), "orders", replaced, where); err != nil {
		t.Fatal(err)
	}
	h.wantFormer("after an undo of what was no restoration")
}

//go:build unix

package etcdctr_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/local"
)

// remembered is a cluster of one member, if nothing else is said, in a folder that keeps what it has seen of it.
type remembered struct {
	*testing.T
	folder  string
	backups string // where its file wants them; empty: nowhere
	members int
	said    map[string]string   // by flags
	now     func() time.Time    // may be nil
	events  func(etcdctr.Event) // may be nil
}

func (r *remembered) say(key, value string) { r.said = map[string]string{key: value} }

func remember(t *testing.T) *remembered {
	t.Helper()
	r := &remembered{T: t, folder: t.TempDir(), members: 1}
	t.Cleanup(func() {
		if _, err := r.find().Down(context.WithoutCancel(t.Context()), true); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *remembered) find() *etcdctr.Cluster {
	r.Helper()
	spec := cluster.Spec{Name: "orders", TLS: "none", ClientPort: "auto"}
	if r.members > 0 {
		spec.Members = cluster.Count(r.members)
	}
	for key, value := range r.said {
		if err := spec.Set(key, value); err != nil {
			r.Fatal(err)
		}
	}
	if r.backups != "" {
		spec.Backup = cluster.BackupSpec{Destination: r.backups, Every: "1h", Service: "false"}
	}
	c, err := etcdctr.New(etcdctr.Options{
		Folder: r.folder, PlacesDir: filepath.Join(r.folder, ".etcdctr"), Runtimes: []runtime.Runtime{processes(r.folder)}, Events: r.events, Now: r.now,
	}).Find(r.Context(), spec)
	if err != nil {
		r.Fatal(err)
	}
	return c
}

// make makes a change, after which it is the cluster that has served, or has taken its
// place with everybody's knowledge.
func (r *remembered) make(change etcdctr.Change) {
	r.Helper()
	c := r.find()
	_, err := c.Make(r.Context(), change)
	if err = errors.Join(err, c.Emptied()); err != nil {
		r.Errorf("%s: %v", change.Verb, err)
	}
}

func (r *remembered) up() { r.Helper(); r.make(etcdctr.Change{Verb: converge.Up}) }

// consented is a restoration to which somebody has agreed.
var consented = etcdctr.RestoreOptions{Consent: func(context.Context, backup.There) error { return nil }}

// restore restores what it holds.
func (r *remembered) restore() {
	r.Helper()
	place, _, err := r.find().Backup(r.Context(), r.TempDir(), backup.Request{})
	if err == nil {
		_, err = r.find().Restore(r.Context(), place, consented)
	}
	if err != nil {
		r.Fatal(err)
	}
}

// exchange has something else delete its data, and found it anew by what is there, as
// Compose does.
func (r *remembered) exchange() {
	r.Helper()
	r.make(etcdctr.Change{Verb: converge.Stop})
	for _, err := range []error{
		os.RemoveAll(filepath.Join(r.folder, ".etcdctr", "orders", "etcd1", "data")),
		processes(r.folder).Start(r.Context(), "orders"),
	} {
		if err != nil {
			r.Fatal(err)
		}
	}
	r.serving()
}

// serving waits until it serves.
func (r *remembered) serving() {
	r.Helper()
	for !slices.ContainsFunc(r.standings(), func(s etcdctr.Standing) bool { return s.Health == etcdctr.Healthy }) {
		if err := r.Context().Err(); err != nil {
			r.Fatal(err)
		}
	}
}

func (r *remembered) standings() []etcdctr.Standing {
	r.Helper()
	all, err := r.find().Standings(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	return all
}

// health is what is said to be wrong with it.
func (r *remembered) health() string {
	r.Helper()
	w := r.find().Watch(etcdctr.WatchOptions{})
	defer w.Leave()
	report, err := w.Check(r.Context())
	if err != nil {
		return err.Error()
	}
	if report.Healthy != (len(report.Failures) == 0) {
		r.Errorf("healthy is %v, and there are %q", report.Healthy, report.Failures)
	}
	return strings.Join(report.Failures, "\n")
}

func (r *remembered) doctor() etcdctr.Diagnosis {
	r.Helper()
	d, err := r.find().Examine(r.Context(), etcdctr.Examination{})
	if err != nil {
		r.Fatal(err)
	}
	return d
}

// Etcd gives a cluster that the same file founds anew the ID that the one before it had.
func TestAClusterThatWasFoundedAnewElsewhereIsTold(t *testing.T) {
	r := remember(t)
	r.up()
	if wrong := r.health(); wrong != "" {
		t.Fatal(wrong)
	}
	r.exchange()
	const want = "orders is not the cluster that has served before"
	for range 2 {
		if wrong := r.health(); !strings.Contains(wrong, want) {
			t.Errorf("health says %q, want %q", wrong, want)
		}
	}
	if d := r.doctor(); d.Healthy || !strings.Contains(d.Cause, want) || !strings.Contains(d.ByHand, "etcdctr up") {
		t.Errorf("the doctor says %+v", d)
	}
	c := r.find()
	_, err := c.Up(t.Context(), etcdctr.UpOptions{})
	if another := (*etcdctr.AnotherError)(nil); err != nil || !errors.As(c.Emptied(), &another) {
		t.Errorf("up says %v, %v", err, c.Emptied())
	}
	r.up() // which is told of once
	if wrong := r.health(); wrong != "" {
		t.Errorf("health says %q of what was told", wrong)
	}
	if d := r.doctor(); !d.Healthy {
		t.Errorf("the doctor says %+v of what was told", d)
	}
}

// Who runs a cluster by other means, and only uses it from here, is told as well.
func TestWhoOnlyBacksUpIsToldOfAClusterThatWasFoundedAnew(t *testing.T) {
	r := remember(t)
	r.up()
	if err := os.Remove(filepath.Join(r.folder, ".etcdctr", ".orders.runtimes")); err != nil { // it was not started by this
		t.Fatal(err)
	}
	if _, _, err := r.find().Backup(t.Context(), t.TempDir(), backup.Request{}); err != nil {
		t.Fatal(err)
	}
	r.exchange()
	const want = "orders is not the cluster that has served before"
	r.find().Notice(t.Context()) // which goes by the one that was
	if wrong := r.health(); !strings.Contains(wrong, want) {
		t.Errorf("health says %q, want %q", wrong, want)
	}
}

// Whatever makes a cluster anew here, or has it go on, is no other one.
func TestNobodyMissesWhatWasExchangedFromHere(t *testing.T) {
	r := remember(t)
	r.up()
	well := func(after string) {
		t.Helper()
		if wrong := r.health(); wrong != "" {
			t.Errorf("after %s health says %q", after, wrong)
		}
		r.up()
	}
	well("up")
	r.make(etcdctr.Change{Verb: converge.Restart})
	well("restart")
	r.make(etcdctr.Change{Verb: converge.Stop})
	r.make(etcdctr.Change{Verb: converge.Start})
	well("start")
	r.make(etcdctr.Change{Verb: converge.Down})
	r.up()
	well("down and up")
	r.restore()
	well("restore")
	for _, what := range []string{"undo", "redo"} {
		if _, err := r.find().UndoRestore(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.up()
		well(what)
	}
	r.make(etcdctr.Change{Verb: converge.Stop})
	if _, err := r.find().Recover(t.Context(), etcdctr.RecoverOptions{RestoreOptions: consented, Output: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	well("recover")
	r.make(etcdctr.Change{Verb: converge.Down, Data: true})
	r.up()
	well("down with its data and up")
}

// A restoration that was ended before it noted what it has made is known by what it has
// made.
func TestNobodyMissesWhatARestorationHasExchanged(t *testing.T) {
	r := remember(t)
	r.up()
	note := filepath.Join(r.folder, ".etcdctr", ".orders.runtimes")
	noted, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	r.restore()
	if err := os.WriteFile(note, noted, 0o600); err != nil {
		t.Fatal(err)
	}
	if wrong := r.health(); wrong != "" {
		t.Errorf("health says %q", wrong)
	}
}

// What nothing is left of and has served is no cluster that never was.
func TestAClusterThatIsGoneIsSaidToHaveServed(t *testing.T) {
	r := remember(t)
	r.up()
	r.make(etcdctr.Change{Verb: converge.Stop})
	if err := os.RemoveAll(filepath.Join(r.folder, ".etcdctr", "orders")); err != nil {
		t.Fatal(err)
	}
	const want = "orders is gone, and has served before"
	if wrong := r.health(); !strings.Contains(wrong, want) {
		t.Errorf("health says %q, want %q", wrong, want)
	}
	if report := r.find().Watch(etcdctr.WatchOptions{}).Round(t.Context()); len(report.Failures) != 1 || !strings.Contains(report.Failures[0], want) {
		t.Errorf("a round says %q, want %q", report.Failures, want)
	}
	if d := r.doctor(); !strings.Contains(d.Cause, want) || d.Command != "" || !strings.Contains(d.ByHand, "etcdctr restore") {
		t.Errorf("the doctor says %+v", d)
	}
	if err := r.find().Forget(); err != nil {
		t.Fatal(err)
	}
	if wrong := r.health(); strings.Contains(wrong, "has served") {
		t.Errorf("health says %q of what nobody misses", wrong)
	}
}

// What was taken down is no cluster that never was.
func TestAClusterThatWasTakenDownIsSaidToBe(t *testing.T) {
	r := remember(t)
	r.up()
	r.make(etcdctr.Change{Verb: converge.Down})
	const want = "is down: none of its members is there, and the data is kept of etcd1"
	if wrong := r.health(); !strings.Contains(wrong, want) || !strings.Contains(wrong, "`etcdctr up` starts it") {
		t.Errorf("health says %q, want %q", wrong, want)
	}
	if d := r.doctor(); d.Cause != want || d.Command != "etcdctr up" {
		t.Errorf("the doctor says %+v", d)
	}
	if _, _, err := r.find().Backup(r.Context(), r.TempDir(), backup.Request{}); !errors.As(err, new(*etcdctr.DownError)) {
		t.Errorf("a backup says %v", err)
	}
}

// another is a runtime whose lock another command holds, which starts the members before it
// lets go.
type another struct{ *local.Runtime }

func (a another) Lock(ctx context.Context, name string, waiting func()) (func() error, error) {
	if err := a.Start(ctx, name); err != nil {
		return nil, err
	}
	return a.Runtime.Lock(ctx, name, waiting)
}

// Nobody is asked whether members may stop that do not run, and so those that have been
// started meanwhile go on.
func TestMembersThatWereStartedMeanwhileAreNotStoppedUnasked(t *testing.T) {
	r := remember(t)
	r.up()
	r.restore()
	r.make(etcdctr.Change{Verb: converge.Stop})
	c, err := etcdctr.New(etcdctr.Options{
		Folder: r.folder, PlacesDir: filepath.Join(r.folder, ".etcdctr"),
		Runtimes: []runtime.Runtime{another{processes(r.folder).(*local.Runtime)}},
	}).Find(t.Context(), cluster.Spec{Name: "orders", Members: cluster.Count(1), TLS: "none", ClientPort: "auto"})
	if err != nil {
		t.Fatal(err)
	}
	if undone, err := c.Undo(t.Context(), nil); !errors.Is(err, backup.ErrMeanwhile) {
		t.Errorf("it gives %+v, %v", undone, err)
	}
	r.serving()
}

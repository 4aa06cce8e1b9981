package etcdctr_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/logs"
	"github.com/etcdctr/etcdctr/runtime"
)

// described is a fake that places clusters, leads nowhere and has logs.
type described struct {
	fake
	lines []runtime.Line // so far
	next  []runtime.Line // that whoever follows hears
}

func (d described) Place(_ context.Context, spec cluster.Spec) (*cluster.Cluster, error) {
	return cluster.Resolve(spec, cluster.InContainers)
}

func (d described) Reach(context.Context, *runtime.State) (runtime.Way, error) {
	return runtime.Way{}, errors.New("there is no way")
}

func (d described) Logs(_ context.Context, _ string, o runtime.LogOptions, line func(runtime.Line)) error {
	for _, l := range d.lines {
		if !l.Time.Before(o.Since) {
			line(l)
		}
	}
	for _, l := range d.next {
		if o.Follow {
			line(l)
		}
	}
	return nil
}

func find(t *testing.T, r runtime.Runtime, spec cluster.Spec) *etcdctr.Cluster {
	t.Helper()
	c, err := etcdctr.New(etcdctr.Options{Folder: t.TempDir(), Runtimes: []runtime.Runtime{r}}).Find(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMembersThatAreYetToComeStandAmongTheOthers(t *testing.T) {
	state := &runtime.State{Name: "etcd", Servers: []runtime.Server{
		{Name: "etcd3", Role: runtime.Member, Status: runtime.Running}, {Name: "etcd1", Role: runtime.Member, Status: runtime.Stopped},
	}}
	r := described{fake: fake{name: "process", has: map[string]*runtime.State{"etcd": state}}}
	for members, want := range map[int][]string{3: {"etcd1 stopped", "etcd2 absent", "etcd3 running"}, 0: {"etcd1 stopped", "etcd3 running"}} {
		all, err := find(t, r, cluster.Spec{TLS: "none", Members: cluster.Count(members)}).Standings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range all {
			got = append(got, s.Name+" "+string(s.Status))
			if s.Health != "" {
				t.Errorf("%s is said to be %s, and nobody could be asked", s.Name, s.Health)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestWrongNamesAreToldTogether(t *testing.T) {
	c := find(t, described{fake: fake{name: "process", has: holding("etcd", "")}}, cluster.Spec{})
	_, err := c.Choose(t.Context(), "etcd1", "etcd7", "etcd8")
	want := "etcd has no member \"etcd7\": it has etcd1\netcd has no member \"etcd8\": it has etcd1"
	if unknown := (*etcdctr.UnknownServerError)(nil); err == nil || err.Error() != want || !errors.As(err, &unknown) || unknown.Server != "etcd7" {
		t.Errorf("got %v", err)
	}
	if all, err := c.Choose(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("all are %v, %v", all, err)
	}
}

// A member that is gone with all that it had may be replaced, and so is one to choose.
func TestAMemberThatIsGoneMayBeReplacedAndNothingElse(t *testing.T) {
	c := find(t, described{fake: fake{name: "process", has: holding("etcd", "")}}, cluster.Spec{TLS: "none", Members: cluster.Count(3)})
	if _, err := c.ChooseFor(t.Context(), converge.Replace, "etcd2"); err != nil {
		t.Errorf("to be replaced: %v", err)
	}
	_, err := c.ChooseFor(t.Context(), converge.Replace, "etcd9")
	if want := `etcd has no member "etcd9": it has etcd1, etcd2, etcd3`; err == nil || err.Error() != want {
		t.Errorf("%v; want %s", err, want)
	}
	if _, err := c.ChooseFor(t.Context(), converge.Restart, "etcd2"); err == nil {
		t.Error("what is gone is restarted")
	}
}

// Data is not deleted of a cluster that somebody else may mean by the name that all
// have which were given none.
func TestDataOfAnotherFolderIsNamedBeforeItIsDeleted(t *testing.T) {
	state := &runtime.State{Name: "etcd", Folder: t.TempDir(), Servers: []runtime.Server{
		{Name: "etcd1", Role: runtime.Member, DataAt: "etcd_etcd1", Data: runtime.Kept},
		{Name: "etcd2", Role: runtime.Member, DataAt: "/srv/etcd2", Data: runtime.Kept, Lent: true},
		{Name: "etcd3", Role: runtime.Member, DataAt: "etcd_etcd3", Data: runtime.None},
	}}
	r := described{fake: fake{name: "process", has: map[string]*runtime.State{"etcd": state}}}
	err := find(t, r, cluster.Spec{}).CheckHere(state)
	if other := (*etcdctr.OtherFolderError)(nil); !errors.As(err, &other) || other.Folder != state.Folder {
		t.Errorf("without a name: %v", err)
	}
	if err := find(t, r, cluster.Spec{Name: "etcd"}).CheckHere(state); err != nil {
		t.Errorf("named: %v", err)
	}
	if diff := cmp.Diff([]string{"etcd_etcd1"}, state.Losses()); diff != "" {
		t.Errorf("what is lost (-want +got):\n%s", diff)
	}
	if losses, err := find(t, r, cluster.Spec{}).Losses(t.Context(), etcdctr.Change{}); losses != nil || err != nil {
		t.Errorf("a change that deletes no data loses %v, %v", losses, err)
	}
}

// Whoever follows hears what was said in the order of time, then what is new, and
// nothing twice.
func TestWhatIsSaidIsHeardOnceAndInOrder(t *testing.T) {
	at := func(second int, server, text string) runtime.Line {
		return runtime.Line{Server: server, Text: text, Time: time.Unix(int64(second), 0)}
	}
	lines := []runtime.Line{at(3, "etcd1", "third"), at(1, "etcd2", "first"), at(2, "etcd2", "second")}
	r := described{fake: fake{name: "process", has: holding("etcd", "")}, lines: lines, next: []runtime.Line{at(4, "etcd2", "fourth")}}
	var heard []string
	hear := func(e logs.Entry) { heard = append(heard, e.Message) }
	err := find(t, r, cluster.Spec{}).Said(t.Context(), runtime.LogOptions{Follow: true, Tail: -1, Servers: []string{"etcd1", "etcd2"}}, func(all []logs.Entry) {
		for _, e := range all {
			hear(e)
		}
		heard = append(heard, "so far")
	}, hear)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"first", "second", "third", "so far", "fourth"}, heard); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A replacement of the authorities of a cluster that is not there works on its files.
func TestARotationWithoutMembersAsksNobody(t *testing.T) {
	c := find(t, described{fake: fake{name: "process"}}, cluster.Spec{})
	r, err := c.Rotation(t.Context(), etcdctr.RotationOptions{RotateOptions: certs.RotateOptions{Stage: certs.Switch}})
	if err != nil || r.Seen() {
		t.Fatal(r.Seen(), err)
	}
	for what, do := range map[string]func(context.Context) error{"switch": r.Once, "settle": r.Settle} {
		if unseen := (*certs.UnseenError)(nil); !errors.As(do(t.Context()), &unseen) || unseen.Settles != (what == "settle") {
			t.Errorf("%s: it is not refused", what)
		}
	}
	elsewhere := etcdctr.RotationOptions{Restarted: true, Confirmed: true}.Unseen(c.PKI())
	if elsewhere.Seen() || !elsewhere.Restarted || !elsewhere.Confirmed || elsewhere.PKI.Dir != c.CertsDir() {
		t.Errorf("%+v", elsewhere)
	}
	there := described{fake: fake{name: "process", has: holding("etcd", "")}}
	seen, err := find(t, there, cluster.Spec{}).Rotation(t.Context(), etcdctr.RotationOptions{})
	if err != nil || !seen.Seen() {
		t.Errorf("members that are there are not asked: %v", err)
	}
	if _, err := find(t, there, cluster.Spec{TLS: string(cluster.AutoTLS)}).Rotation(t.Context(), etcdctr.RotationOptions{}); !errors.As(err, new(*etcdctr.InputError)) {
		t.Errorf("a cluster without authorities: %v", err)
	}
}

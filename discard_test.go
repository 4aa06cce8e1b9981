package etcdctr_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// littered is a cluster that runs, with what was set aside of it. It does not answer.
type littered struct {
	described
	aside []runtime.Aside
}

func (l littered) AllAside(context.Context, string) ([]runtime.Aside, error) { return l.aside, nil }

func (l littered) Discard(context.Context, string, runtime.Aside) error {
	return errors.New("it is deleted")
}

func TestNothingIsDeletedOfAClusterThatIsNotKnownToBeWell(t *testing.T) {
	aside := []runtime.Aside{{Server: "etcd1", Where: "data.aside"}}
	ask := func(context.Context, []runtime.Aside) error {
		return errors.New("it is asked whether that may be deleted")
	}
	c := find(t, littered{doomed(""), aside}, cluster.Spec{})
	refusal := (*converge.Refusal)(nil)
	if gone, err := c.Discard(t.Context(), ask); !errors.As(err, &refusal) || gone != nil {
		t.Errorf("deleted is %v, %v", gone, err)
	}
	if all, err := c.Aside(t.Context()); !errors.As(err, &refusal) || !cmp.Equal(all, aside) {
		t.Errorf("it is told as %v, %v", all, err)
	}
	if gone, err := find(t, littered{doomed(""), nil}, cluster.Spec{}).Discard(t.Context(), ask); err != nil || gone != nil {
		t.Errorf("nothing there: %v, %v", gone, err)
	}
	if _, err := find(t, littered{doomed(t.TempDir()), aside}, cluster.Spec{}).Discard(t.Context(), ask); !errors.As(err, new(*etcdctr.OtherFolderError)) {
		t.Errorf("of another folder: %v", err)
	}
	if _, err := find(t, doomed(""), cluster.Spec{}).Discard(t.Context(), ask); !errors.Is(err, etcdctr.ErrNotDiscarder) {
		t.Errorf("where nothing is set aside: %v", err)
	}
}

// What was set aside in places of its own goes with the data, or stays where that is
// somebody else's: both are named.
func TestWhatWasSetAsideIsNamedBeforeItGoesWithTheData(t *testing.T) {
	cl := doomed("")
	cl.has["etcd"].Aside = []runtime.Aside{{Server: "etcd1", Where: "etcd1.aside"}, {Server: "etcd2", Where: "/srv/etcd2.aside", Lent: true}, {Server: "etcd9", Where: "etcd9.aside"}}
	var asked []string
	gone, err := find(t, cl, cluster.Spec{}).TakeDown(t.Context(), etcdctr.TakeDownOptions{
		Data:    true,
		Consent: func(_ context.Context, losses []string) error { asked = losses; return nil },
		Change:  func(context.Context, etcdctr.Change) error { return nil },
	})
	if diff := cmp.Diff([]string{"etcd_etcd1", "etcd1.aside", "etcd9.aside"}, asked); err != nil || diff != "" {
		t.Errorf("%v, asked of (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"/srv/etcd2", "/srv/etcd2.aside"}, gone.Lent); diff != "" {
		t.Errorf("what stays (-want +got):\n%s", diff)
	}
}

// The doctor of a cluster that is not well names nothing that deletes.
func TestTheDoctorTellsWhatWasSetAside(t *testing.T) {
	cl := doomed("")
	have := cl.has["etcd"]
	have.Aside = []runtime.Aside{{Server: "etcd1", Where: "etcd1.aside"}}
	for i := range have.Servers {
		have.Servers[i].Status = runtime.Absent
	}
	d, err := find(t, cl, cluster.Spec{}).Examine(t.Context(), etcdctr.Examination{})
	want := []string{"former data of etcd1 is set aside in etcd1.aside: keep it until the cluster is healthy"}
	if diff := cmp.Diff(want, d.Remarks); err != nil || d.Healthy || diff != "" {
		t.Errorf("%+v, %v (-want +got):\n%s", d, err, diff)
	}
}

package etcdctr

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

func TestStepsAreReadByWhoeverLooksAtTheSameCluster(t *testing.T) {
	dir, at := t.TempDir(), time.Unix(1000, 0).UTC()
	in := func(place, name string) *Cluster {
		o := Options{StepsDir: dir, StepsOf: func(runtime.Runtime) string { return place }}
		return &Cluster{o: New(o).o, spec: cluster.Spec{Name: name}}
	}
	step := func(kind converge.EventKind, after time.Duration, err error) converge.Event {
		return converge.Event{Kind: kind, At: at.Add(after), Step: converge.Step{Kind: converge.End, Servers: []string{"etcd2"}, Cause: "another release"}, Err: err}
	}
	writer := in("here", "orders")
	for _, e := range []converge.Event{
		step(converge.Begins, 0, nil), step(converge.Moves, time.Second, nil), step(converge.Ends, time.Second, nil),
		step(converge.Begins, 2*time.Second, nil), step(converge.Ends, 3*time.Second, errors.New("it did not stop")),
	} {
		writer.writeDown(e)
	}
	notes, err := in("here", "orders").Steps(at)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range notes {
		got = append(got, n.Servers[0]+" "+n.String())
	}
	kind := string(converge.End)
	if diff := cmp.Diff([]string{"etcd2 " + kind + ": another release", "etcd2 " + kind + ": another release: it did not stop"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, other := range []*Cluster{in("there", "orders"), in("here", "other"), {o: New(Options{}).o}} {
		if notes, err := other.Steps(time.Time{}); err != nil || len(notes) != 0 {
			t.Errorf("%v, %v", notes, err)
		}
	}
}

func TestStepsBeginAnewBeforeTheFileIsLarge(t *testing.T) {
	c := &Cluster{o: New(Options{StepsDir: t.TempDir(), StepsOf: func(runtime.Runtime) string { return "" }}).o}
	if err := os.WriteFile(c.stepsFile(), make([]byte, mostSteps+1), 0o600); err != nil {
		t.Fatal(err)
	}
	c.writeDown(converge.Event{Kind: converge.Begins, At: time.Unix(1000, 0), Step: converge.Step{Kind: converge.Begin}})
	if notes, err := c.Steps(time.Time{}); err != nil || len(notes) != 1 {
		t.Errorf("%v, %v", notes, err)
	}
	c.forgetSteps()
	if notes, err := c.Steps(time.Time{}); err != nil || len(notes) != 0 {
		t.Errorf("of a cluster that is gone: %v, %v", notes, err)
	}
}

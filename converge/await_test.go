package converge_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// reader is an etcd whose member serves once it has read all its data.
type reader struct {
	looks atomic.Int64
	ready func(looks int64) bool
	view  func(looks int64) member.View
}

func (r *reader) Look(context.Context) (member.View, error) { return r.view(r.looks.Add(1)), nil }

func (r *reader) WaitServing(ctx context.Context, _ ...string) error {
	for !r.ready(r.looks.Load()) {
		select {
		case <-ctx.Done():
			return errors.New("it reads")
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// onDisk is a runtime that knows how much data its servers have.
type onDisk struct {
	*fake
	size int64
}

func (d onDisk) DataSize(context.Context, string, string) (int64, error) { return d.size, nil }

func silent(int64) member.View { return member.View{} }

func comesNearer(looks int64) member.View {
	return member.View{Endpoints: []member.Endpoint{{Name: "etcd1", ID: 1, Applied: uint64(looks), Read: member.NoLeader}}}
}

// held is a runtime that starts nothing.
type held struct{ *fake }

const whyHeld = "its node north takes no tasks: its availability is drain"

func (h held) Observe(ctx context.Context, name string) (*runtime.State, error) {
	have, err := h.fake.Observe(ctx, name)
	if err == nil {
		have.Servers[0].Status, have.Servers[0].Held = runtime.Restarting, whyHeld
	}
	return have, err
}

// Nobody starts it, however long it is waited for.
func TestAMemberThatIsHeldIsNotWaitedFor(t *testing.T) {
	f := &fake{world: world{want: 1, minor: 7}}
	f.world.nodes[0].status = runs
	w := converge.Await{
		Runtime: held{f}, Etcd: &reader{view: silent, ready: func(int64) bool { return false }}, Servers: []string{"etcd1"}, Patience: time.Hour,
		Have: f.world.situation(converge.Asked{Verb: converge.Up}, nil).Have,
	}
	err := w.Serving(t.Context())
	unwell := (*converge.UnwellError)(nil)
	if !errors.As(err, &unwell) || !strings.Contains(unwell.What, whyHeld) {
		t.Errorf("it is given up: %v", err)
	}
}

// A member is waited for as long as reading its data may take, or as long as it comes
// nearer, however short the patience is; and where neither is so, it is given up.
func TestAMemberIsWaitedForAsLongAsItMayRead(t *testing.T) {
	const enough = 5
	for name, test := range map[string]struct {
		size, known int64
		view        func(int64) member.View
		reads       int64 // what it is told to read; it serves once that is told
		served      bool
	}{
		"a large database on disk": {size: 3 << 30, view: silent, reads: 3 << 30, served: true},
		"a database that is known": {known: 2 << 30, view: silent, reads: 2 << 30, served: true},
		"one that comes nearer":    {view: comesNearer, served: true},
		"one that says nothing":    {view: silent},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{world: world{want: 1, minor: 7}}
			f.world.nodes[0].status = runs
			var told atomic.Int64
			etcd := &reader{view: test.view, ready: func(looks int64) bool {
				return test.served && told.Load() == test.reads && (test.reads > 0 || looks >= enough)
			}}
			w := converge.Await{
				Runtime: onDisk{f, test.size}, Etcd: etcd, Servers: []string{"etcd1"}, Data: test.known, Patience: time.Millisecond,
				Have: f.world.situation(converge.Asked{Verb: converge.Up}, nil).Have, Reading: told.Store,
			}
			err := w.Serving(t.Context())
			unwell := (*converge.UnwellError)(nil)
			if test.served != (err == nil) || !test.served && !errors.As(err, &unwell) {
				t.Errorf("served is %v: %v", test.served, err)
			}
		})
	}
}

// voters are an etcd with a learner, which writes of others keep moving.
type voters struct{ looks atomic.Uint64 }

func (v *voters) Look(context.Context) (member.View, error) {
	n := v.looks.Add(1)
	return member.View{Endpoints: []member.Endpoint{
		{Name: "etcd1", ID: 1, Leader: 1, Applied: n},
		{Name: "etcd2", ID: 2, Leader: 1, Applied: n, Learner: true, Read: member.IsLearner},
	}}, nil
}

func (*voters) WaitServing(context.Context, ...string) error {
	return errors.New("etcd2 does not serve: it is a learner")
}

// A wait that began while nobody answered, and so nobody told of the learner, has an end.
func TestALearnerIsNotWaitedForWhereAllOthersServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{world: serving(2, 2)}
		have, err := f.Observe(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		w := converge.Await{Runtime: f, Etcd: &voters{}, Have: have, Servers: []string{"etcd1", "etcd2"}}
		limited, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := w.Serving(limited); err != nil {
			t.Error(err)
		}
	})
}

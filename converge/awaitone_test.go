package converge_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// restarts is a runtime that starts its servers again, which end at once but for
// the last time.
type restarts struct {
	*fake
	ends, ended int
}

func (r *restarts) Observe(ctx context.Context, name string) (*runtime.State, error) {
	n := &r.world.nodes[0]
	if n.status == runs && r.ended < r.ends {
		n.status = failing
	}
	if n.status == failing && r.ended == r.ends {
		n.status = runs
	}
	have, err := r.fake.Observe(ctx, name)
	if err == nil && n.status == failing {
		have.Servers[0].Restarts = r.ended
		r.ended++
	}
	return have, err
}

// An engine that starts a member again and again has nobody to ask in between.
func TestAMemberThatIsStartedAgainIsWaitedForUnlessItNeverRuns(t *testing.T) {
	for ends, want := range map[int]string{2: "", 9: "etcd1 ends again and again: "} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{world: world{want: 1, minor: 7}}
			hands := f.hands()
			hands.Runtime = &restarts{fake: f, ends: ends}
			hands.Ask = func(_ runtime.Way, have *runtime.State) (converge.Etcd, error) {
				if !have.Runs() {
					return nil, errors.New("no member to ask")
				}
				return (*fakeEtcd)(f), nil
			}
			_, err := hands.Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up}))
			unwell := (*converge.UnwellError)(nil)
			switch {
			case want == "" && err != nil:
				t.Errorf("it runs after %d ends, and the error is %v", ends, err)
			case want != "" && (!errors.As(err, &unwell) || !strings.HasPrefix(unwell.Error(), want) || len(unwell.Log) != 1):
				t.Errorf("it never runs, and the error is %v", err)
			}
		})
	}
}

// comesBack is a runtime a server of which ends and is started again until it was looked
// at some times.
type comesBack struct {
	*fake
	server, looks int
}

func (c *comesBack) Observe(ctx context.Context, name string) (*runtime.State, error) {
	if c.looks--; c.looks == 0 {
		c.world.nodes[c.server].status = runs
		c.world.settle()
	}
	return c.fake.Observe(ctx, name)
}

// knowing is an etcd of members of whom only those are known that ran when it was made.
type knowing struct {
	*fakeEtcd
	have *runtime.State
}

func (k knowing) WaitServing(ctx context.Context, names ...string) error {
	for _, n := range names {
		if s, _ := k.have.Server(n); !s.MayAnswer() {
			return fmt.Errorf("%s: %w", n, member.ErrUnknownMember)
		}
	}
	return k.fakeEtcd.WaitServing(ctx, names...)
}

func (k knowing) Join(ctx context.Context, name string, progress func(member.CatchUp)) error {
	if s, _ := k.have.Server(name); !s.MayAnswer() {
		return fmt.Errorf("%s: %w", name, member.ErrUnknownMember)
	}
	return k.fakeEtcd.Join(ctx, name, progress)
}

// A learner never serves, so it is waited for as one.
func TestALearnerThatIsBetweenTwoStartsIsPromotedOnceItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{world: serving(3, 4)}
		f.world.settle()
		engine := &comesBack{fake: f, server: 3}
		f.after = func(done string) error {
			if done == "join etcd4" {
				f.world.nodes[3].status, engine.looks = failing, 4
			}
			return nil
		}
		hands := f.hands()
		hands.Runtime = engine
		hands.Ask = func(_ runtime.Way, have *runtime.State) (converge.Etcd, error) {
			return knowing{(*fakeEtcd)(f), have}, nil
		}
		outcome, err := hands.Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up}))
		if err != nil || !outcome.Etcd.Serving("etcd4") {
			t.Errorf("%v: %v", outcome.Done, err)
		}
	})
}

// A run that was interrupted has left a learner that ends and is started again just as the
// next one looks: that is no cluster that is as wanted.
func TestALearnerThatWasLeftBetweenTwoStartsIsPromoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{world: serving(3, 4)}
		f.world.sit(3, node{status: failing}, false)
		f.world.settle()
		engine := &comesBack{fake: f, server: 3, looks: 3}
		hands := f.hands()
		hands.Runtime = engine
		hands.Ask = func(_ runtime.Way, have *runtime.State) (converge.Etcd, error) {
			return knowing{(*fakeEtcd)(f), have}, nil
		}
		outcome, err := hands.Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up}))
		if err != nil || !outcome.Etcd.Serving("etcd4") {
			t.Errorf("%v: %v", outcome.Done, err)
		}
	})
}

// A member that was between two starts when the wait began is asked once it runs.
func TestAMemberThatComesBackDuringTheWaitIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{world: serving(3, 3)}
		f.world.nodes[1].status = failing
		f.world.settle()
		hands := f.hands()
		hands.Runtime = &comesBack{fake: f, server: 1, looks: 4}
		hands.Ask = func(_ runtime.Way, have *runtime.State) (converge.Etcd, error) {
			return knowing{(*fakeEtcd)(f), have}, nil
		}
		if _, err := hands.Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up})); err != nil {
			t.Error(err)
		}
	})
}

// beingStopped is a runtime whose servers still run when they are looked at first: whoever
// has asked for their stop is gone, and nobody tells.
type beingStopped struct {
	*fake
	looks int
}

func (b *beingStopped) Observe(ctx context.Context, name string) (*runtime.State, error) {
	if b.looks--; b.looks == 0 {
		for i := range b.world.nodes[:3] {
			b.world.nodes[i].status, b.world.nodes[i].ill = stopped, false
		}
		b.world.settle()
	}
	return b.fake.Observe(ctx, name)
}

// An engine goes on stopping members whose `stop` was killed. The next run finds them
// running, waits for them, and starts them once they have ended.
func TestMembersThatAreStoppedDuringTheWaitAreStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{world: serving(3, 3)}
		for i := range f.world.nodes[:3] {
			f.world.nodes[i].ill = true
		}
		f.world.settle()
		hands := f.hands()
		hands.Runtime = &beingStopped{fake: f, looks: 4}
		began := time.Now()
		outcome, err := hands.Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up}))
		if err != nil || !outcome.Etcd.Quorum() {
			t.Errorf("%v: %v", outcome.Done, err)
		}
		if waited := time.Since(began); waited > 10*time.Second {
			t.Errorf("they were waited for %s", waited)
		}
	})
}

package converge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// serving is a world of members that all serve.
func serving(members, want int8) world {
	return worlds(int(members), 0, world{want: want, minor: 7, agreed: 7, stored: 7})[0]
}

func TestHandsComeToTheSameEndFromEveryState(t *testing.T) {
	x := &explorer{asked: converge.Asked{Verb: converge.Up}}
	reached := 0
	for _, w := range every(func(members int) int { return min(members, 1) }) {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{world: w}
			f.world.settle()
			_, err := f.hands().Do(t.Context(), f.wish(x.asked))
			if len(f.wrong) > 0 {
				t.Errorf("%s\nfrom %s", strings.Join(f.wrong, ", "), w)
			}
			var refusal *converge.Refusal
			var step *converge.StepError
			switch {
			case errors.As(err, &refusal), errors.As(err, &step):
			case err != nil:
				t.Errorf("%v is neither a refusal nor a step that failed\nfrom %s", err, w)
			default:
				reached++
				if wrong := x.goal(&f.world); wrong != "" {
					t.Errorf("%s\nfrom %s", wrong, w)
				}
			}
		})
	}
	t.Logf("%d runs reached what was wanted", reached)
	if reached < 100 {
		t.Errorf("%d runs reached what was wanted: the others prove nothing", reached)
	}
}

func TestAClusterThatIsAsWantedIsLookedAtOnce(t *testing.T) {
	f := &fake{world: serving(3, 3)}
	f.world.settle()
	outcome, err := f.hands().Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up}))
	if err != nil || len(outcome.Done) > 0 {
		t.Fatalf("did %v: %v", outcome.Done, err)
	}
	if diff := cmp.Diff([]string{"observe", "look", "changes"}, f.calls); diff != "" {
		t.Error(diff)
	}
}

func TestAFirstStartIsOneApplyAndOneWait(t *testing.T) {
	f := &fake{world: world{want: 3, minor: 7}}
	synctest.Test(t, func(t *testing.T) {
		if _, err := f.hands().Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up})); err != nil {
			t.Fatal(err)
		}
	})
	want := []string{"observe", "changes", "prepare", "apply ", "observe", "wait until it serves etcd1 etcd2 etcd3", "look"}
	if diff := cmp.Diff(want, f.calls); diff != "" {
		t.Error(diff)
	}
}

// Who has lost the certificates can still take all of it down; some of it could be the
// quorum of the rest.
// Who is left could not answer without the others.
func TestWhoStopsLastIsNotAskedAgain(t *testing.T) {
	for _, verb := range []converge.Verb{converge.Stop, converge.Down} {
		f := &fake{world: serving(3, 3)}
		f.world.settle()
		if _, err := f.hands().Do(t.Context(), f.wish(converge.Asked{Verb: verb})); err != nil {
			t.Fatalf("%v\n%v", err, f.calls)
		}
		first := slices.IndexFunc(f.calls, func(call string) bool { return strings.HasPrefix(call, "stop") })
		if first < 0 || slices.Contains(f.calls[first:], "look") {
			t.Errorf("%s: it was done: %v", verb, f.calls)
		}
	}
}

func TestAllAreStoppedThoughTheyCannotBeAsked(t *testing.T) {
	for _, asked := range []converge.Asked{{Verb: converge.Down, Data: true}, {Verb: converge.Stop}} {
		f := &fake{world: serving(3, 3)}
		f.world.settle()
		h := f.hands()
		h.Ask = func(runtime.Way, *runtime.State) (converge.Etcd, error) { return nil, errors.New("no certificate") }
		var told int
		h.Tell = func(e converge.Event) {
			if e.Kind == converge.Blind {
				told++
			}
		}
		outcome, err := h.Do(t.Context(), f.wish(asked))
		if err != nil || told != 1 || outcome.Have.Runs() {
			t.Errorf("%s: %v, told %d times, and there is %+v", asked.Verb, err, told, outcome.Have)
		}
		f = &fake{world: serving(3, 3)}
		f.world.settle()
		h.Runtime = f
		asked.Servers = []string{"etcd1"}
		if _, err := h.Do(t.Context(), f.wish(asked)); err == nil {
			t.Errorf("%s of one that can't be asked succeeds", asked.Verb)
		}
	}
}

func TestWhatIsNeededIsMadeOnceAndOnlyIfNothingIsRefused(t *testing.T) {
	up := converge.Asked{Verb: converge.Up}
	for name, c := range map[string]struct {
		world   world
		asked   converge.Asked
		changed bool
		made    int
		calls   []string // the first of them
	}{
		"a first start":     {world{want: 3, minor: 7}, up, true, 1, []string{"observe", "changes", "prepare"}},
		"nothing to do":     {serving(3, 3), up, false, 1, []string{"observe", "look", "changes"}},
		"others were made":  {serving(3, 3), up, true, 1, []string{"observe", "look", "changes", "observe", "look", "changes"}},
		"there is no etcd9": {serving(3, 3), converge.Asked{Verb: converge.Replace, Servers: []string{"etcd9"}}, true, 0, []string{"observe", "look", "changes"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{world: c.world}
			f.world.settle()
			made := 0
			synctest.Test(t, func(t *testing.T) {
				hands := f.hands()
				hands.Provide = func(context.Context, *cluster.Cluster) (bool, error) {
					made++
					return c.changed, nil
				}
				_, err := hands.Do(t.Context(), f.wish(c.asked))
				if refusal := (*converge.Refusal)(nil); errors.As(err, &refusal) != (c.made == 0) {
					t.Errorf("the error is %v", err)
				}
			})
			if made != c.made {
				t.Errorf("made %d times, want %d", made, c.made)
			}
			if diff := cmp.Diff(c.calls, f.calls[:min(len(c.calls), len(f.calls))]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// ill lets one member of a first start never serve.
func ill(f *fake) {
	f.before = func(string) error {
		f.world.nodes[1].ill = f.world.nodes[1].status == runs
		f.world.nodes[2].ill = f.world.nodes[2].status == runs
		return nil
	}
}

func TestAFirstStartThatFailsTakesBackWhatItMade(t *testing.T) {
	for _, keep := range []bool{false, true} {
		f := &fake{world: world{want: 3, minor: 7}}
		ill(f)
		synctest.Test(t, func(t *testing.T) {
			hands := f.hands()
			hands.Keep = keep
			_, err := hands.Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up}))
			var unwell *converge.UnwellError
			if !errors.As(err, &unwell) || len(unwell.Log) != 1 {
				t.Errorf("the error is %v", err)
			}
		})
		left := f.world.situation(converge.Asked{Verb: converge.Up}, nil).Have != nil
		if left != keep {
			t.Errorf("keep %t: left %t", keep, left)
		}
	}
}

// ends are the ways in which a first start comes to no end, each at a call.
var ends = map[string]func(f *fake, step int, cancel func()) error{
	"interrupted": func(f *fake, step int, cancel func()) error {
		if len(f.calls) == step+1 {
			cancel()
			return context.Canceled
		}
		return nil
	},
	"failed": func(f *fake, step int, _ func()) error {
		if len(f.calls) == step+1 {
			return errFull
		}
		return nil
	},
	"killed": func(f *fake, step int, _ func()) error { // it does nothing any more
		if len(f.calls) > step {
			return errFull
		}
		return nil
	},
}

var errFull = errors.New("no space left on device")

// A first start that is interrupted, or fails, at whatever it asks for or does
// leaves nothing; killed there, it is finished by the next run.
func TestAFirstStartThatEndsAnywhereLeavesNothing(t *testing.T) {
	up := converge.Asked{Verb: converge.Up}
	whole := &fake{world: world{want: 3, minor: 7}}
	synctest.Test(t, func(t *testing.T) {
		if _, err := whole.hands().Do(t.Context(), whole.wish(up)); err != nil {
			t.Fatal(err)
		}
	})
	for step, call := range whole.calls[:len(whole.calls)-1] { // before the last it serves
		for how := range ends {
			if how == "failed" && strings.HasPrefix(call, "wait") {
				continue // it is waited on
			}
			t.Run(fmt.Sprint(step, " ", call, " ", how), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { endsAt(t, step, how) })
			})
		}
	}
}

func endsAt(t *testing.T, step int, how string) {
	t.Helper()
	up := converge.Asked{Verb: converge.Up}
	f := &fake{world: world{want: 3, minor: 7}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f.before = func(string) error { return ends[how](f, step, cancel) }
	if _, err := f.hands().Do(ctx, f.wish(up)); !errors.Is(err, errFull) && !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	f.before = nil
	if left := f.world.situation(up, nil).Have; how != "killed" && left != nil {
		t.Errorf("left is %s", f.world)
	}
	if _, err := f.hands().Do(t.Context(), f.wish(up)); err != nil || !f.world.quorum() {
		t.Errorf("the next run came to %s, %v", f.world, err)
	}
}

// Where nobody runs any more there is nobody to ask, and why is what counts.
func TestMembersThatEndBeforeTheyAreAskedAreTold(t *testing.T) {
	f := &fake{world: world{want: 1, minor: 7}}
	f.before = func(call string) error {
		if call == "observe" && f.world.nodes[0].status == runs {
			f.world.nodes[0].status = ended
		}
		return nil
	}
	hands := f.hands()
	hands.Ask = func(_ runtime.Way, have *runtime.State) (converge.Etcd, error) {
		if !have.Runs() {
			return nil, errors.New("no member to ask")
		}
		return (*fakeEtcd)(f), nil
	}
	_, err := hands.Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up}))
	if unwell := (*converge.UnwellError)(nil); !errors.As(err, &unwell) || unwell.Server != "etcd1" || len(unwell.Log) != 1 {
		t.Errorf("the error is %v", err)
	}
}

// preparesHalf is a runtime whose preparation makes volumes, and fails then.
type preparesHalf struct{ *fake }

func (p preparesHalf) Prepare(context.Context, *cluster.Cluster, ...string) error {
	for i := range p.world.nodes {
		p.world.nodes[i].status = created
	}
	return errors.New("a network overlaps")
}

func TestAFirstStartThatFailsBeforeItsFirstStepIsDoneTakesThatBack(t *testing.T) {
	f := &fake{world: world{want: 3, minor: 7}}
	hands := f.hands()
	hands.Runtime = preparesHalf{f}
	var undone int
	hands.Tell = func(e converge.Event) {
		if e.Kind == converge.Undoes {
			undone++
		}
	}
	outcome, err := hands.Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up}))
	if step := (*converge.StepError)(nil); !errors.As(err, &step) {
		t.Errorf("the error is %v", err)
	}
	if f.world.situation(converge.Asked{Verb: converge.Up}, nil).Have != nil || undone != 1 || outcome.Have != nil {
		t.Errorf("undone %d times, left %v", undone, f.world)
	}
}

func TestAFirstStartThatMadeNothingHasNothingToTakeBack(t *testing.T) {
	f := &fake{world: world{want: 3, minor: 7}}
	f.before = func(call string) error {
		if call == "prepare" {
			return errors.New("the image cannot be had")
		}
		return nil
	}
	hands := f.hands()
	hands.Tell = func(e converge.Event) {
		if e.Kind == converge.Undoes {
			t.Error("it tells of something that it takes back")
		}
	}
	if _, err := hands.Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up})); err == nil {
		t.Error("no error")
	}
}

func TestWhatWasThereBeforeIsNotTakenBack(t *testing.T) {
	w := serving(3, 3)
	for i := range 3 {
		w.nodes[i].status = stopped
	}
	f := &fake{world: w}
	ill(f)
	synctest.Test(t, func(t *testing.T) {
		if _, err := f.hands().Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up})); err == nil {
			t.Error("it serves without a quorum")
		}
	})
	if f.world.holders() != 3 {
		t.Errorf("%d members have their data", f.world.holders())
	}
}

func TestAnInterruptedRollStartsWhatItHasStopped(t *testing.T) {
	w := serving(3, 3)
	w.nodes[1].old = true
	f := &fake{world: w}
	f.world.settle()
	ctx, cancel := context.WithCancel(t.Context())
	f.before = func(call string) error {
		if strings.HasPrefix(call, "apply") {
			cancel()
			return ctx.Err()
		}
		return nil
	}
	_, err := f.hands().Do(ctx, f.wish(converge.Asked{Verb: converge.Up}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if !f.world.alive(1) {
		t.Error("etcd2 is left stopped")
	}
}

// The runtime hears of it when it has begun to stop a member, and does not let go.
func TestAnInterruptedStopIsStartedAgain(t *testing.T) {
	for _, caught := range []string{"stop", "apply"} {
		w := serving(3, 3)
		w.nodes[1].old = true
		f := &fake{world: w}
		f.world.settle()
		ctx, cancel := context.WithCancel(t.Context())
		f.after = func(call string) error {
			if strings.HasPrefix(call, caught) && ctx.Err() == nil {
				cancel()
				return ctx.Err()
			}
			return nil
		}
		if _, err := f.hands().Do(ctx, f.wish(converge.Asked{Verb: converge.Up})); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: the error is %v", caught, err)
		}
		if !f.world.alive(1) {
			t.Errorf("etcd2 is left stopped after an interrupted %s: %v", caught, f.calls)
		}
	}
}

// A member in memory has nothing any more once it is stopped: it does not rise in
// its old identity, and the next run has a new one take its place.
func TestAnInterruptedReplacementInMemoryStartsNobodyEmpty(t *testing.T) {
	w := worlds(3, 0, world{want: 3, minor: 7, agreed: 7, stored: 7, memory: true})[0]
	w.nodes[1].old = true
	f := &fake{world: w}
	f.world.settle()
	ctx, cancel := context.WithCancel(t.Context())
	f.before = func(call string) error {
		if strings.HasPrefix(call, "remove member") {
			cancel()
		}
		return ctx.Err()
	}
	asked := converge.Asked{Verb: converge.Up}
	if _, err := f.hands().Do(ctx, f.wish(asked)); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	f.before = nil
	synctest.Test(t, func(t *testing.T) {
		if _, err := f.hands().Do(t.Context(), f.wish(asked)); err != nil {
			t.Error(err)
		}
	})
	if len(f.wrong) > 0 || !f.world.alive(1) {
		t.Errorf("%v, and the world is %s", f.wrong, f.world)
	}
}

func TestEventsCountTheStepsAndTellHowFarALearnerIs(t *testing.T) {
	f := &fake{world: serving(1, 2)}
	f.world.settle()
	hands := f.hands()
	var last converge.Event
	var shares []float64
	hands.Tell = func(e converge.Event) {
		if share, known := e.Share(); known && e.Kind == converge.Moves {
			shares = append(shares, share)
		}
		last = e
	}
	synctest.Test(t, func(t *testing.T) {
		if _, err := hands.Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up})); err != nil {
			t.Error(err)
		}
	})
	if !slices.Equal(shares, []float64{0.63}) {
		t.Errorf("shares %v", shares)
	}
	if last.Number != last.Of || last.Kind != converge.Ends {
		t.Errorf("the last event is %+v", last)
	}
}

// Members that end again and again on a release are not waited for on it before they
// get the one that is wanted, such as the one that wrote their data.
func TestMembersThatFailGetTheReleaseThatIsWanted(t *testing.T) {
	for _, to := range []int8{6, 7} {
		w := world{want: 3, minor: to, agreed: to, stored: to, founders: 3}
		for slot := range 3 {
			w.sit(slot, node{status: failing}, true)
			w.nodes[slot].minor = 13 - to // the one beside it
		}
		f := &fake{world: w}
		outcome, err := f.hands().Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up}))
		if err != nil || len(f.wrong) > 0 {
			t.Fatalf("to 3.%d: %v %v\n%s", to, err, f.wrong, outcome.Done)
		}
		first := slices.IndexFunc(outcome.Done, func(s converge.Step) bool { return s.Kind != converge.Prepare })
		if s := outcome.Done[first]; s.Kind != converge.Apply || len(s.Servers) != 3 {
			t.Errorf("to 3.%d it begins with %s", to, s)
		}
		for slot, n := range f.world.nodes[:3] {
			if n.minor != to || n.status != runs {
				t.Errorf("%s is of 3.%d and %v", name(slot), n.minor, n.status)
			}
		}
	}
}

func TestALearnerThatWaitsInVainIsStartedAnewOnce(t *testing.T) {
	f := &fake{world: serving(3, 4), unheard: true}
	f.world.settle()
	if _, err := f.hands().Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up})); err != nil {
		t.Fatalf("%v\n%v", err, f.calls)
	}
	at := slices.Index(f.calls, "stop etcd4")
	if at < 0 || !slices.Equal(f.calls[at:at+3], []string{"stop etcd4", "start etcd4", "promote etcd4"}) {
		t.Errorf("it was done: %v", f.calls)
	}
}

// What it has would be gone.
func TestALearnerInMemoryIsWaitedFor(t *testing.T) {
	f := &fake{world: serving(3, 4), unheard: true}
	f.world.memory = true
	f.world.settle()
	_, err := f.hands().Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up}))
	if slices.Contains(f.calls, "stop etcd4") || err == nil {
		t.Errorf("%v: %v", err, f.calls)
	}
}

func TestALearnerThatGetsNoVoteHasItsLastWordsTold(t *testing.T) {
	f := &fake{world: world{want: 1, minor: 7}}
	if _, err := f.hands().Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up})); err != nil {
		t.Fatal(err)
	}
	f.world.want = 3
	f.before = func(call string) error {
		if strings.HasPrefix(call, string(converge.Promote)) {
			return member.ErrNoProgress
		}
		return nil
	}
	_, err := f.hands().Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up}))
	unwell := (*converge.UnwellError)(nil)
	if !errors.As(err, &unwell) || len(unwell.Log) != 1 || !errors.Is(err, member.ErrNoProgress) {
		t.Errorf("the error is %v", err)
	}
}

// littered is a runtime that has something left beside the servers until it is tidied.
type littered struct {
	*fake
	left []string
}

func (l *littered) Observe(ctx context.Context, name string) (*runtime.State, error) {
	have, err := l.fake.Observe(ctx, name)
	if err == nil {
		have.Leftovers = l.left
	}
	return have, err
}

func (l *littered) Tidy(context.Context, string) error {
	l.left = nil
	return l.note("tidy")
}

func TestWhatAnInterruptedRunHasLeftIsTakenAway(t *testing.T) {
	for _, verb := range []converge.Verb{converge.Up, converge.Start} {
		l := &littered{fake: &fake{world: serving(3, 3)}, left: []string{"spare"}}
		l.world.settle()
		hands := l.hands()
		hands.Runtime = l
		for range 2 {
			if _, err := hands.Do(t.Context(), l.wish(converge.Asked{Verb: verb})); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(slices.DeleteFunc(l.calls, func(call string) bool { return call != "tidy" })); n != 1 {
			t.Errorf("%s: tidied %d times", verb, n)
		}
	}
}

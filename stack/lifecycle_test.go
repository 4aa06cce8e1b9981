package stack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// started gives a driver of an engine on which three members run, etcd2 leads.
func started(t *testing.T) (*Driver, *fakeEngine) {
	t.Helper()
	e := newFakeEngine()
	d := &Driver{Engine: e, Prober: fakeProber{leader: "etcd2"}, WaitTimeout: time.Second}
	if _, err := d.Up(t.Context(), wanted(t, three), false); err != nil {
		t.Fatal(err)
	}
	e.calls = nil
	return d, e
}

func observe(t *testing.T, d *Driver) *State {
	t.Helper()
	s, err := Observe(t.Context(), d.Engine, "p")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLeaderIsStoppedWhenItKnowsThatTheOthersAreGone(t *testing.T) {
	d, _ := started(t)
	s := observe(t, d)
	wantPlan(t, d.PlanStop(t.Context(), s, s.Containers), `
 1  wait for a lull in the health checks of p-etcd2-1
 2  wait for the loss of the peers of p-etcd2-1, after 1
 3  stop p-etcd1-1, after 1
 4  stop p-etcd3-1, after 1
 5  stop p-etcd2-1, after 2: it leads
`)
	if lost := d.PlanStop(t.Context(), s, s.Containers).Ops[1]; lost.peers != 0 {
		t.Errorf("it keeps %d peers, want 0", lost.peers)
	}
	some := slices.DeleteFunc(slices.Clone(s.Containers), func(c Container) bool { return c.Service == "etcd3" })
	if lost := d.PlanStop(t.Context(), s, some).Ops[1]; lost.peers != 1 {
		t.Errorf("without etcd3 it keeps %d peers, want 1", lost.peers)
	}
}

func TestLeaderIsAskedForItsPeersUntilItHasLostThem(t *testing.T) {
	d, e := started(t)
	asked := 0
	d.Prober = fakeProber{leader: "etcd2", peers: func() int {
		asked++
		return 4 - asked
	}}
	s := observe(t, d)
	e.before = func(change string) error {
		if change == "stop p-etcd2-1" && asked != 4 {
			t.Errorf("it was stopped after %d questions, want 4", asked)
		}
		return nil
	}
	if err := d.Run(t.Context(), d.PlanStop(t.Context(), s, s.Containers)); err != nil {
		t.Fatal(err)
	}
}

func TestLeaderAloneIsStoppedAtOnce(t *testing.T) {
	d, _ := started(t)
	s := observe(t, d)
	alone := slices.DeleteFunc(s.Containers, func(c Container) bool { return c.Service != "etcd2" })
	wantPlan(t, planStop(s, alone, "etcd2"), `
 1  stop p-etcd2-1: it leads
`)
}

func TestMembersAreStoppedBetweenHealthChecksOfTheLeader(t *testing.T) {
	d, e := started(t)
	s := observe(t, d)
	leader, err := e.find("p-etcd2-1")
	if err != nil {
		t.Fatal(err)
	}
	leader.config.Healthcheck = &container.HealthConfig{Interval: 2 * time.Second}
	ended := time.Now().Add(-2 * time.Second)
	leader.health = func() *container.Health {
		e.calls = append(e.calls, "look at the check")
		if len(e.calls) == 3 { // it took until now
			ended = time.Now()
		}
		return &container.Health{Log: []*container.HealthcheckResult{{End: ended}}}
	}
	if err := d.Run(t.Context(), d.PlanStop(t.Context(), s, s.Containers)); err != nil {
		t.Fatal(err)
	}
	if looks := slices.IndexFunc(e.calls, func(c string) bool { return strings.HasPrefix(c, "stop ") }); looks != 3 {
		t.Errorf("members were stopped after %d looks at the leader's check, want 3: %q", looks, e.calls)
	}
}

func TestHealthChecksAreForeseen(t *testing.T) {
	now := time.Now()
	for what, test := range map[string]struct {
		interval, since time.Duration // since the end of the last
		want            bool
	}{
		"just over":           {2 * time.Second, 10 * time.Millisecond, false},
		"far off":             {2 * time.Second, time.Second, false},
		"about to begin":      {2 * time.Second, 1600 * time.Millisecond, true},
		"under way":           {2 * time.Second, 2100 * time.Millisecond, true},
		"long under way":      {2 * time.Second, 3100 * time.Millisecond, false},
		"frequent, just over": {100 * time.Millisecond, 10 * time.Millisecond, false},
		"by a clock behind":   {2 * time.Second, time.Hour, false},
		"by a clock ahead":    {2 * time.Second, -time.Hour, false},
	} {
		c := container.InspectResponse{
			Config: &container.Config{Healthcheck: &container.HealthConfig{Interval: test.interval}},
			State:  &container.State{Health: &container.Health{Log: []*container.HealthcheckResult{{End: now.Add(-test.since)}}}},
		}
		if got := checking(c, now); got != test.want {
			t.Errorf("%s: checking is %v, want %v", what, got, test.want)
		}
		// The first follows the start, and until it is done the engine may check more often.
		c.Config.Healthcheck.Interval, c.Config.Healthcheck.StartInterval = time.Hour, test.interval
		c.State.StartedAt = now.Add(-test.since).Format(time.RFC3339Nano)
		c.State.Health = &container.Health{Status: container.Starting}
		if got := checking(c, now); got != test.want {
			t.Errorf("%s, the first: checking is %v, want %v", what, got, test.want)
		}
	}
}

func TestDownStopsGentlyAndKeepsVolumes(t *testing.T) {
	d, e := started(t)
	p, err := d.PlanDown(t.Context(), observe(t, d), data, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Run(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if len(e.containers)+len(e.networks) > 0 || len(e.volumes) != 3 {
		t.Errorf("left are %d containers, %d networks and %d volumes", len(e.containers), len(e.networks), len(e.volumes))
	}
	if stops := strings.Count(strings.Join(e.calls, "\n"), "stop "); stops != 3 {
		t.Errorf("%d members were stopped before they were removed, want 3", stops)
	}
}

func TestDownWithVolumesDoesNotStopFirst(t *testing.T) {
	d, _ := started(t)
	p, err := d.PlanDown(t.Context(), observe(t, d), data, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range p.Ops {
		o.object = "" // an ID that differs from run to run
	}
	wantPlan(t, p, `
 1  remove container p-etcd1-1
 2  remove container p-etcd2-1
 3  remove container p-etcd3-1
 4  remove network p_cluster, after 1, 2, 3
 5  remove volume p_etcd1-data, after 1, 2, 3
 6  remove volume p_etcd2-data, after 1, 2, 3
 7  remove volume p_etcd3-data, after 1, 2, 3
`)
}

func TestRestartTakesServingMembersOneByOneLeaderLast(t *testing.T) {
	d, _ := started(t)
	s := observe(t, d)
	wantPlan(t, d.PlanRestart(t.Context(), s, s.Containers), `
 1  stop p-etcd1-1
 2  start p-etcd1-1, after 1
 3  wait for an answer of p-etcd1-1, after 2
 4  stop p-etcd3-1, after 3
 5  start p-etcd3-1, after 4
 6  wait for an answer of p-etcd3-1, after 5
 7  stop p-etcd2-1, after 6
 8  start p-etcd2-1, after 7
 9  wait for an answer of p-etcd2-1, after 8
`)
}

func TestStartStartsWhatDoesNotRun(t *testing.T) {
	d, e := started(t)
	stopped, err := e.find("p-etcd2-1")
	if err != nil {
		t.Fatal(err)
	}
	stopped.status = container.StateExited
	s := observe(t, d)
	wantPlan(t, d.PlanStart(s, s.Containers), `
 1  start p-etcd2-1: it does not run: Exited (0) a moment ago
 2  wait for an answer of p-etcd1-1
 3  wait for an answer of p-etcd2-1, after 1
 4  wait for an answer of p-etcd3-1
`)
}

func wantPlan(t *testing.T, p *Plan, want string) {
	t.Helper()
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), p.String()); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

func TestMemberThatCannotComeUpIsReportedWithItsLastLines(t *testing.T) {
	for what, test := range map[string]struct {
		damage func(*fakeContainer)
		want   string
	}{
		"exited":     {func(c *fakeContainer) { c.status, c.exit = container.StateExited, 1 }, "p-etcd2-1 exited with code 1"},
		"killed":     {func(c *fakeContainer) { c.status, c.exit = container.StateExited, 137 }, "p-etcd2-1 was killed"},
		"restarting": {func(c *fakeContainer) { c.status, c.exit, c.restarts = container.StateRestarting, 1, 2 }, "p-etcd2-1 exited with code 1, 3 times in a row"},
	} {
		t.Run(what, func(t *testing.T) {
			e := newFakeEngine()
			u := failingUp(t, e, test.damage)
			if u.Error() != test.want {
				t.Errorf("Up gave %q, want %q", u.Error(), test.want)
			}
			if diff := cmp.Diff([]string{"first line", "last line"}, u.Log); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
			if !e.empty() {
				t.Error("what was created is still there")
			}
		})
	}
}

// failingUp starts three members, damages etcd2 as soon as it runs, and gives the
// error.
func failingUp(t *testing.T, e *fakeEngine, damage func(*fakeContainer)) *UnwellError {
	t.Helper()
	e.started = func(c *fakeContainer) {
		if c.name == "p-etcd2-1" {
			damage(c)
			c.log = "first line\nlast line\n"
		}
	}
	d := &Driver{Engine: e, Prober: fakeProber{}, WaitTimeout: time.Second}
	_, err := d.Up(t.Context(), wanted(t, three), false)
	u := (*UnwellError)(nil)
	if !errors.As(err, &u) {
		t.Fatalf("Up gave %v, want an UnwellError", err)
	}
	return u
}

// hangingProber takes one member's answer away with the member.
type hangingProber struct {
	fakeProber
	die func()
}

func (p hangingProber) Probe(ctx context.Context, c Container) error {
	if c.Service != "etcd2" {
		return nil
	}
	p.die()
	<-ctx.Done()
	return ctx.Err()
}

func TestMemberThatDiesOverAQuestionIsNoticedBeforeTheWaitEnds(t *testing.T) {
	e := newFakeEngine()
	die := func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, c := range e.containers {
			if c.name == "p-etcd2-1" {
				c.status, c.exit = container.StateExited, 1
			}
		}
	}
	d := &Driver{Engine: e, Prober: hangingProber{die: die}, WaitTimeout: time.Hour}
	_, err := d.Up(t.Context(), wanted(t, three), false)
	if u := (*UnwellError)(nil); !errors.As(err, &u) || u.What != "exited with code 1" {
		t.Errorf("Up gave %v", err)
	}
}

func TestMemberIsNotHeldToWhatItsEarlierSelfSuffered(t *testing.T) {
	e := newFakeEngine()
	d := &Driver{Engine: e, Prober: fakeProber{}, WaitTimeout: time.Second}
	w := wanted(t, three)
	if _, err := d.Up(t.Context(), w, false); err != nil {
		t.Fatal(err)
	}
	for _, c := range e.containers {
		c.restarts = 7
	}
	if _, err := d.Up(t.Context(), w, false); err != nil {
		t.Errorf("Up of members that serve again gave %v", err)
	}
}

func TestFailureIsExplainedWhileItIsThere(t *testing.T) {
	e := newFakeEngine()
	d := &Driver{Engine: e, Prober: fakeProber{silent: map[string]bool{"etcd1": true}}, WaitTimeout: 50 * time.Millisecond}
	d.Explain = func(_ context.Context, err error) error {
		if len(e.containers) != 3 {
			t.Errorf("%d containers are there to be looked at, want 3", len(e.containers))
		}
		return fmt.Errorf("explained: %w", err)
	}
	_, err := d.Up(t.Context(), wanted(t, three), false)
	if err == nil || !strings.HasPrefix(err.Error(), "explained: ") {
		t.Errorf("Up gave %v", err)
	}
	if !e.empty() {
		t.Error("what was created is still there")
	}
}

func TestSilentMemberIsWaitedForAndNoLonger(t *testing.T) {
	e := newFakeEngine()
	d := &Driver{Engine: e, Prober: fakeProber{silent: map[string]bool{"etcd3": true}}, WaitTimeout: 50 * time.Millisecond}
	_, err := d.Up(t.Context(), wanted(t, three), false)
	const want = "p-etcd3-1 did not answer within 50ms: etcd3 is silent"
	if err == nil || err.Error() != want {
		t.Errorf("Up gave %v, want %s", err, want)
	}
}

func TestSomebodyElsesSimultaneousStartIsJoined(t *testing.T) {
	e := newFakeEngine()
	other := &Driver{Engine: e, Prober: fakeProber{}, WaitTimeout: time.Second}
	raced := false
	d := &Driver{Engine: e, Prober: fakeProber{}, WaitTimeout: time.Second}
	w := wanted(t, three)
	e.before = func(change string) error {
		if change == "create container p-etcd1-1" && !raced {
			raced = true
			_, err := other.Up(context.WithoutCancel(t.Context()), w, false)
			return err
		}
		return nil
	}
	if _, err := d.Up(t.Context(), w, false); err != nil {
		t.Fatal(err)
	}
	wantAsWanted(t, d)
}

func TestWhatAnInterruptedReplacementLeftIsNoMember(t *testing.T) {
	d, e := started(t)
	inUse, err := e.find("p-etcd1-1")
	if err != nil {
		t.Fatal(err)
	}
	config := inUse.config
	config.Labels = maps.Clone(config.Labels)
	config.Labels[replaceLabel] = "etcd1-1"
	_, err = e.ContainerCreate(t.Context(), client.ContainerCreateOptions{
		Name: "0123456789ab_p-etcd1-1", Config: &config, HostConfig: &container.HostConfig{}, NetworkingConfig: &network.NetworkingConfig{},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := observe(t, d)
	if c, _ := s.Service("etcd1"); len(s.Members()) != 3 || c.Name != "p-etcd1-1" {
		t.Errorf("there are %d members, and etcd1 is %s", len(s.Members()), c.Name)
	}
	if p := d.PlanStart(s, s.Containers); !p.Empty() {
		t.Errorf("it would be started beside the member:\n%s", p)
	}
	if all, err := List(t.Context(), e); err != nil || len(all) != 1 || len(all[0].Containers) != 3 {
		t.Errorf("List gives %+v, %v", all, err)
	}
	dialer := &directDialer{engine: e, project: "p", network: "p_cluster"}
	if _, err := dialer.lookUp(t.Context(), "etcd1"); err == nil || !strings.HasPrefix(err.Error(), "p-etcd1-1 ") {
		t.Errorf("a tunnel leads to it: %v", err)
	}
	p, err := d.PlanDown(t.Context(), observe(t, d), data, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Run(t.Context(), p); err != nil || len(e.containers) > 0 {
		t.Errorf("down left %d containers, %v", len(e.containers), err)
	}
}

// A plan works on what it has been shown, and shows it to others unchanged.
func TestPlanningChangesNothing(t *testing.T) {
	d, _ := started(t)
	s := observe(t, d)
	w := wanted(t, strings.Replace(three, "internal: true", "internal: true, attachable: true", 1))
	causes, err := causesToReplace(w, s)
	if err != nil {
		t.Fatal(err)
	}
	causes["etcd1"] = "its image changed"
	p, err := planUp(w, s, standing{}, causes)
	if err != nil || p.Empty() {
		t.Fatal(p, err)
	}
	if len(s.Containers) != 3 || causes["etcd1"] == "" {
		t.Errorf("after planning there are %d containers and the causes %v", len(s.Containers), causes)
	}
}

// All containers of a changed network are made anew. That is no first start, and
// what fails on the way stays for the next up to go on from.
func TestAFailedChangeOfANetworkIsNotUndone(t *testing.T) {
	changed := strings.Replace(three, "internal: true", "internal: true, attachable: true", 1)
	for _, failing := range []string{"create container p-etcd2-1", "start p-etcd1-1", "start p-etcd3-1"} {
		t.Run(failing, func(t *testing.T) {
			d, e := started(t)
			e.before = func(change string) error {
				if change == failing {
					return errors.New("no space left")
				}
				return nil
			}
			if _, err := d.Up(t.Context(), wanted(t, changed), false); err == nil {
				t.Fatal("Up gave no error")
			}
			if len(e.networks) != 1 || len(e.volumes) != 3 {
				t.Errorf("left are %d networks and %d volumes", len(e.networks), len(e.volumes))
			}
			if failing == "start p-etcd3-1" && len(e.containers) != 3 { // the last that is begun
				t.Errorf("left are %d containers", len(e.containers))
			}
			e.before = func(string) error { return nil }
			if _, err := d.Up(t.Context(), wanted(t, changed), false); err != nil || len(e.containers) != 3 {
				t.Errorf("the next up gave %v and %d containers", err, len(e.containers))
			}
		})
	}
}

// A first start may find a network that an earlier one has left otherwise.
func TestWhatAFirstStartFoundIsNotUndone(t *testing.T) {
	d, e := started(t)
	p, err := d.PlanDown(t.Context(), observe(t, d), Names{}, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Run(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	e.before = func(change string) error {
		if change == "start p-etcd1-1" {
			return errors.New("no space left")
		}
		return nil
	}
	w := wanted(t, strings.Replace(three, "internal: true", "internal: true, attachable: true", 1))
	if _, err := d.Up(t.Context(), w, false); err == nil {
		t.Fatal("Up gave no error")
	}
	if len(e.containers) != 0 || len(e.networks) != 1 || len(e.volumes) != 3 {
		t.Errorf("left are %d containers, %d networks and %d volumes", len(e.containers), len(e.networks), len(e.volumes))
	}
}

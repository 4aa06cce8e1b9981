package stack

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/moby/moby/api/types/container"
)

// onTwo is three on two networks, of which an older engine is told one by one, with
// as many snapshots as told.
func onTwo(t *testing.T, snapshots string) Wanted {
	t.Helper()
	return wanted(t, strings.NewReplacer("image: etcd", "image: etcd\n  environment: {ETCD_SNAPSHOT_COUNT: "+snapshots+"}",
		"networks: [cluster]", "networks: [cluster, loopback]", "internal: true}", "internal: true}, loopback: ").Replace(three))
}

// rollUntil prepares a replacement and carries it out, one service after the other, until
// it is killed before a change. Nothing is taken back then. It gives how many changes
// were made.
func rollUntil(t *testing.T, e *fakeEngine, w Wanted, killed int) int {
	t.Helper()
	var changes atomic.Int32
	e.before = func(change string) error {
		if changes.Add(1) > int32(killed) {
			return errors.New("killed")
		}
		if name, starts := strings.CutPrefix(change, "start "); starts {
			c, err := e.find(name)
			if err != nil || len(c.networks) != 2 {
				t.Errorf("started is %+v, which is not on both networks (%v)", c, err)
			}
		}
		return nil
	}
	p, err := planFor(t.Context(), e, w, PlanPrepare)
	if err == nil {
		err = run(t.Context(), e, p)
	}
	for _, service := range []string{"etcd1", "etcd2", "etcd3"} {
		if err == nil {
			err = apply(t.Context(), e, w, service)
		}
	}
	if err != nil && int(changes.Load()) <= killed {
		t.Fatal(err)
	}
	return min(int(changes.Load()), killed)
}

// wantOneOfEach wants no service to have two containers, whatever waits beside them.
func wantOneOfEach(t *testing.T, e *fakeEngine) {
	t.Helper()
	seen := map[string]string{}
	for _, c := range observe(t, e).Containers {
		if other := seen[c.Service]; other != "" {
			t.Errorf("%s has both %s and %s", c.Service, other, c.Name)
		}
		seen[c.Service] = c.Name
	}
}

// ranAndStopped counts how often one was stopped, of those that ran
// when the roll began and of those that came after them.
func ranAndStopped(calls []string) int {
	running, n := map[string]bool{"p-etcd1-1": true, "p-etcd2-1": true, "p-etcd3-1": true}, 0
	for _, call := range calls {
		verb, name, _ := strings.Cut(call, " ")
		if verb == "start" {
			running[name] = true
		}
		if verb == "stop" && running[name] {
			n++
			running[name] = false
		}
	}
	return n
}

// Whoever goes on from a replacement that was killed, and is killed as well, leaves one
// container of each service in place, and stops none for what was not made whole. What
// is wanted may be something else by then.
func TestARollIsKilledTwiceAnywhere(t *testing.T) {
	const noMore = 1000
	before, wish := onTwo(t, "1000"), onTwo(t, "5000")
	start := func(t *testing.T) *fakeEngine {
		t.Helper()
		e := newFakeEngine()
		if err := apply(t.Context(), e, before); err != nil {
			t.Fatal(err)
		}
		e.calls = nil
		return e
	}
	all := 0
	synctest.Test(t, func(t *testing.T) { all = rollUntil(t, start(t), wish, noMore) })
	for what, then := range map[string]Wanted{"the same": wish, "another": onTwo(t, "7000")} {
		for first := range all {
			for second := range all {
				t.Run(fmt.Sprint(what, " ", first, " ", second), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						e := start(t)
						rollUntil(t, e, wish, first)
						wantOneOfEach(t, e)
						rollUntil(t, e, then, second)
						wantOneOfEach(t, e)
						rollUntil(t, e, then, noMore)
						if made := rollUntil(t, e, then, noMore); made > 0 {
							t.Errorf("still to do: %q", e.calls[len(e.calls)-made:])
						}
						if stops := ranAndStopped(e.calls); what == "the same" && stops != 3 {
							t.Errorf("%d times one was stopped: %q", stops, e.calls)
						}
					})
				})
			}
		}
	}
}

// What somebody else has made beside a service's container is no other server.
func TestServersAreOneOfEach(t *testing.T) {
	e := running(t, three)
	for name, labels := range map[string]map[string]string{
		"p-etcd2-2":         {numberLabel: "2"},
		"p-etcd2-run-1":     {oneoffLabel: "True"},
		"0123_p-etcd2-1":    {},
		"456789_p-etcd1-1":  {replaceLabel: "etcd1-1"},
		"456789_p-etcd1-1b": {replaceLabel: "etcd1-1"},
	} {
		service := "etcd" + string(strings.SplitAfter(name, "etcd")[1][0])
		made, err := e.find("p-" + service + "-1")
		if err != nil {
			t.Fatal(err)
		}
		c := *made
		c.id, c.name, c.status = e.id(), name, container.StateCreated
		c.config.Labels = merged(made.config.Labels, labels)
		e.containers[c.id] = &c
	}
	var names []string
	for _, c := range observe(t, e).Servers() {
		names = append(names, c.Name)
	}
	if got := strings.Join(names, " "); got != "p-etcd1-1 p-etcd2-1 p-etcd3-1" {
		t.Errorf("the servers are %s", got)
	}
}

// `docker compose up --scale etcd2=2` makes a second container on the volume of a member, and
// either waits until the other lets go of it. The first of them stays.
func TestAFurtherContainerOfAMemberIsTidiedAway(t *testing.T) {
	e := running(t, three)
	first, err := e.find("p-etcd2-1")
	if err != nil {
		t.Fatal(err)
	}
	second := *first
	second.id, second.name = e.id(), "p-etcd2-2"
	second.config.Labels = merged(first.config.Labels, map[string]string{numberLabel: "2"})
	e.containers[second.id] = &second
	s := observe(t, e)
	var verbs []string
	for _, op := range PlanTidy(s).Ops {
		verbs = append(verbs, string(op.Verb)+" "+op.Name)
	}
	if got := strings.Join(verbs, ", "); got != "stop p-etcd2-2, remove container p-etcd2-2" {
		t.Errorf("it is tidied by %s", got)
	}
	if c, _ := s.Service("etcd2"); c.Name != "p-etcd2-1" || len(s.Spares) != 1 {
		t.Errorf("etcd2 is %s, beside %v", c.Name, s.Spares)
	}
}

func merged(a, b map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, a)
	maps.Copy(all, b)
	return all
}

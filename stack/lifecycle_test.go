package stack

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

func TestBeginStartsWhatDoesNotRun(t *testing.T) {
	e := running(t, three)
	for name, status := range map[string]container.ContainerState{"p-etcd2-1": container.StateExited, "p-etcd3-1": container.StatePaused} {
		c, err := e.find(name)
		if err != nil {
			t.Fatal(err)
		}
		c.status = status
	}
	s := observe(t, e)
	wantPlan(t, PlanBegin(s, s.Containers), `
 1  start p-etcd2-1: it does not run: Exited (0) a moment ago
 2  resume p-etcd3-1: it is paused
`)
}

// A server that is asked to end does so with 0, as a task does that is done.
func TestStartLeavesAloneWhatIsDoneAndNothingElse(t *testing.T) {
	ended := func(service string, labels map[string]string) Container {
		return Container{ID: service, Name: "p-" + service + "-1", Service: service, Status: container.StateExited, Detail: "Exited (0) a moment ago", Labels: labels}
	}
	s := &State{Project: "p", Containers: []Container{
		ended("open", nil), ended("server", nil),
		ended("etcd1", map[string]string{RoleLabel: Member, dependsOnLabel: "open:service_completed_successfully:false"}),
	}}
	wantPlan(t, PlanBegin(s, s.Containers), `
 1  start p-server-1: it does not run: Exited (0) a moment ago
 2  start p-etcd1-1: it does not run: Exited (0) a moment ago
`)
}

func TestEndStopsWhatRuns(t *testing.T) {
	e := running(t, three)
	for name, status := range map[string]container.ContainerState{"p-etcd2-1": container.StateExited, "p-etcd3-1": container.StatePaused} {
		c, err := e.find(name)
		if err != nil {
			t.Fatal(err)
		}
		c.status = status
	}
	s := observe(t, e)
	wantPlan(t, PlanEnd(s, s.Containers, 0), `
 1  stop p-etcd1-1
 2  resume p-etcd3-1: it is paused
 3  stop p-etcd3-1, after 2
`)
}

// waiting is a member that waits for the health check of another service.
const waiting = `
name: p
services:
  dns: {image: coredns, labels: {io.etcdctr.role: dns}}
  etcd1: {image: etcd, labels: {io.etcdctr.role: member}, depends_on: {dns: {condition: service_healthy}}}
`

func TestAServiceThatDoesNotComeUpIsReportedWithItsLastLines(t *testing.T) {
	unhealthy := func() *container.Health { return &container.Health{Status: container.Unhealthy} }
	starting := func() *container.Health { return &container.Health{Status: container.Starting} }
	for what, c := range map[string]struct {
		damage func(*fakeContainer)
		want   string
	}{
		"exited":       {func(c *fakeContainer) { c.status, c.exit = container.StateExited, 1 }, "exited with code 1"},
		"killed":       {func(c *fakeContainer) { c.status, c.exit = container.StateExited, 137 }, "was killed"},
		"restarting":   {func(c *fakeContainer) { c.status, c.exit, c.restarts = container.StateRestarting, 1, 2 }, "exited with code 1, 3 times in a row"},
		"paused":       {func(c *fakeContainer) { c.status, c.health = container.StatePaused, starting }, "was paused"},
		"unhealthy":    {func(c *fakeContainer) { c.health = unhealthy }, "is unhealthy"},
		"has no check": {func(*fakeContainer) {}, "has no health check, and others wait for it"},
		"takes long":   {func(c *fakeContainer) { c.health = starting }, "did not become healthy within 1m0s"},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newFakeEngine()
				e.started = func(s *fakeContainer) {
					c.damage(s)
					s.log = "first line\nlast line\n"
				}
				p, err := planFor(t.Context(), e, wanted(t, waiting), PlanApply)
				if err != nil {
					t.Fatal(err)
				}
				_, err = (&Execution{Engine: e, WaitTimeout: time.Minute}).Run(t.Context(), p)
				u := (*UnwellError)(nil)
				if !errors.As(err, &u) || u.Service != "dns" || u.What != c.want {
					t.Fatalf("the error is %v, want that dns %s", err, c.want)
				}
				if diff := cmp.Diff([]string{"first line", "last line"}, u.Log); diff != "" {
					t.Errorf("log (-want +got):\n%s", diff)
				}
				if strings.Contains(strings.Join(e.calls, "\n"), "start p-etcd1-1") {
					t.Error("the member was started all the same")
				}
			})
		})
	}
}

func TestAServiceIsNotHeldToWhatItsEarlierSelfSuffered(t *testing.T) {
	e := newFakeEngine()
	e.started = func(c *fakeContainer) {
		c.health = func() *container.Health { return &container.Health{Status: container.Healthy} }
	}
	w := wanted(t, waiting)
	if err := apply(t.Context(), e, w); err != nil {
		t.Fatal(err)
	}
	for _, c := range e.containers {
		c.restarts = 7
		if c.config.Labels[RoleLabel] == Member {
			c.status = container.StateExited
		}
	}
	if err := apply(t.Context(), e, w); err != nil {
		t.Errorf("Apply of a service that is healthy again gave %v", err)
	}
}

func TestWhatAnInterruptedReplacementLeftIsNoMember(t *testing.T) {
	e := running(t, three)
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
	s := observe(t, e)
	if c, _ := s.Service("etcd1"); len(s.Members()) != 3 || c.Name != "p-etcd1-1" {
		t.Errorf("there are %d members, and etcd1 is %s", len(s.Members()), c.Name)
	}
	if p := PlanBegin(s, s.Containers); !p.Empty() {
		t.Errorf("it would be started beside the member:\n%s", p)
	}
	if all, err := ObserveAll(t.Context(), e); err != nil || len(all) != 1 || len(all[0].Members()) != 3 {
		t.Errorf("ObserveAll gives %+v, %v", all, err)
	}
	dialer := &directDialer{engine: e, project: "p", network: "p_cluster"}
	if _, err := dialer.lookUp(t.Context(), "etcd1"); err == nil || !strings.HasPrefix(err.Error(), "p-etcd1-1 ") {
		t.Errorf("a tunnel leads to it: %v", err)
	}
	if err := takeAway(t, e, data, true); err != nil || len(e.containers) > 0 {
		t.Errorf("%d containers are left, %v", len(e.containers), err)
	}
}

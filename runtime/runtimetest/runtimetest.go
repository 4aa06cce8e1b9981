// Package runtimetest is the contract of package runtime as tests: whoever
// implements a runtime.Runtime that changes by its own calls (package hosts does not)
// runs them all, on real members.
//
//	func TestContract(t *testing.T) {
//		runtimetest.Run(t, runtimetest.Fixture{…})
//	}
package runtimetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// Fixture is what the suite has to be given of a runtime.
type Fixture struct {
	// Prefix begins the names of all clusters that the suite makes.
	Prefix string
	// Runtime gives a runtime as another run of a program would: it knows what
	// there is by looking. What it does it tells to events.
	Runtime func(t *testing.T, events func(runtime.Event)) runtime.Runtime
	// Describe completes the description of every cluster; nil leaves it as it is.
	Describe func(*cluster.Spec)
	// Spoil changes a cluster so that Prepare can't get what it needs.
	Spoil func(*cluster.Cluster)
	// Crash ends a server's process as no command of the runtime does.
	Crash func(t *testing.T, name, server string)
	// Holds reports whether data that was set aside at where is still there.
	Holds func(t *testing.T, name, server, where string) bool
	// Bystander makes something beside the cluster of that name that is not the
	// cluster's, and gives a look whether it is as it was made.
	Bystander func(t *testing.T, name string) (untouched func() error)
}

// Run tests every contract.
func Run(t *testing.T, f Fixture) {
	t.Helper()
	for _, c := range contracts {
		t.Run(c.name, func(t *testing.T) { c.test(newSubject(t, f, c.name)) })
	}
}

// contracts are in the order of the interface.
var contracts = []struct {
	name string
	test func(*subject)
}{
	{"place", placeMakesNothing},
	{"observe", observeTellsOfNothing},
	{"list", listTellsOfEach},
	{"data", dataIsLookedAt},
	{"blank", blankDataIsTold},
	{"volatile", volatileDataIsTold},
	{"changes", changesAreToldBySetting},
	{"prepare", prepareTouchesNothing},
	{"first", firstStartServes},
	{"again", applyAgainDoesNothing},
	{"one", applyOneKeepsTheOthers},
	{"crash", applyStartsWhatHasCrashed},
	{"stop", stopKeepsUntilStart},
	{"remove", removeKeepsTheData},
	{"delete", removeDeletesNamedData},
	{"wish", whatWasWishedOutlivesTheServers},
	{"aside", setAsideDeletesNothing},
	{"fill", fillExchangesData},
	{"stage", stageExchangesLater},
	{"discard", discardDeletesWhatWasSetAside},
	{"logs", logsAreChosen},
	{"follow", logsAreFollowed},
	{"reach", reachLeadsToTheMembers},
	{"lock", lockKeepsOthersOut},
	{"killed", applyFinishesWhatWasCutOff},
}

// patience bounds a test of a contract.
const patience = 3 * time.Minute

// subject is a runtime under test with a cluster of its own.
type subject struct {
	*testing.T
	f       Fixture
	ctx     context.Context
	name    string
	runtime runtime.Runtime
}

func newSubject(t *testing.T, f Fixture, name string) *subject {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	s := &subject{T: t, f: f, ctx: ctx, name: f.Prefix + name}
	s.runtime = f.Runtime(t, nil)
	t.Cleanup(func() {
		if err := f.Runtime(t, nil).Remove(context.WithoutCancel(ctx), s.name, runtime.Removal{Data: true}); err != nil {
			t.Errorf("the clean-up fails: %v", err)
		}
	})
	return s
}

// spec is a cluster that starts quickly and keeps its data.
func (s *subject) spec(members int) cluster.Spec {
	spec := cluster.Spec{
		Name: s.name, Members: cluster.Count(members), Profile: "ci", Data: string(cluster.Volume), TLS: string(cluster.NoTLS),
	}
	if s.f.Describe != nil {
		s.f.Describe(&spec)
	}
	return spec
}

func (s *subject) place(spec cluster.Spec) *cluster.Cluster {
	s.Helper()
	c, err := s.runtime.Place(s.ctx, spec)
	if err != nil {
		s.Fatalf("Place: %v", err)
	}
	return c
}

// start starts a cluster of so many members.
func (s *subject) start(members int) *cluster.Cluster {
	s.Helper()
	c := s.place(s.spec(members))
	s.apply(c)
	return c
}

func (s *subject) apply(c *cluster.Cluster, servers ...string) {
	s.Helper()
	if err := s.runtime.Prepare(s.ctx, c, servers...); err != nil {
		s.Fatalf("Prepare %v: %v", servers, err)
	}
	if err := s.runtime.Apply(s.ctx, c, servers...); err != nil {
		s.Fatalf("Apply %v: %v", servers, err)
	}
}

func (s *subject) observe() *runtime.State {
	s.Helper()
	have, err := s.runtime.Observe(s.ctx, s.name)
	if err != nil {
		s.Fatalf("Observe: %v", err)
	}
	return have
}

func (s *subject) server(name string) runtime.Server {
	s.Helper()
	have, ok := s.observe().Server(name)
	if !ok {
		s.Fatalf("there is no server %s", name)
	}
	return have
}

func (s *subject) wantStatus(server string, want runtime.Status) {
	s.Helper()
	if got := s.server(server); got.Status != want {
		s.Errorf("%s is %s (%s), want %s", server, got.Status, got.Detail, want)
	}
}

func (s *subject) wantData(server string, want runtime.Data) {
	s.Helper()
	got, err := s.runtime.Data(s.ctx, s.name, server)
	if err != nil || got != want {
		s.Errorf("the data of %s is %q (%v), want %q", server, got, err, want)
	}
}

func (s *subject) wantNothing() {
	s.Helper()
	if have, err := s.runtime.Observe(s.ctx, s.name); !errors.Is(err, runtime.ErrNotFound) {
		s.Errorf("Observe gave %+v and %v, want ErrNotFound", have, err)
	}
}

func (s *subject) changes(want *cluster.Cluster) []runtime.Change {
	s.Helper()
	have, err := s.runtime.Observe(s.ctx, s.name)
	if err != nil && !errors.Is(err, runtime.ErrNotFound) {
		s.Fatalf("Observe: %v", err)
	}
	changes, err := s.runtime.Changes(s.ctx, want, have)
	if err != nil {
		s.Fatalf("Changes: %v", err)
	}
	return changes
}

func (s *subject) wantChanges(want *cluster.Cluster, changes ...runtime.Change) {
	s.Helper()
	if diff := cmp.Diff(changes, s.changes(want)); diff != "" {
		s.Errorf("changes (-want +got):\n%s", diff)
	}
}

// since tells when each server took its status: who was not touched has the
// same moment.
func since(have *runtime.State) map[string]time.Time {
	moments := map[string]time.Time{}
	for _, x := range have.Servers {
		moments[x.Name] = x.Since
	}
	return moments
}

// wantUntouched compares with an earlier look: but for some, nothing started or
// stopped in between.
func (s *subject) wantUntouched(before *runtime.State, but ...string) {
	s.Helper()
	now := since(s.observe())
	for name, was := range since(before) {
		if touched := !was.Equal(now[name]); touched != slices.Contains(but, name) {
			s.Errorf("%s was touched: %t (it has its status since %v, before since %v)", name, touched, now[name], was)
		}
	}
}

func names(servers []runtime.Server) []string {
	var list []string
	for _, x := range servers {
		list = append(list, x.Name)
	}
	return list
}

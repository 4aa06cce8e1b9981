package runtimetest

import (
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/etcdctr/etcdctr/runtime"
)

// discardDeletesWhatWasSetAside is the contract of runtime.Discarder.
func discardDeletesWhatWasSetAside(s *subject) {
	discarder, ok := s.runtime.(runtime.Discarder)
	filler, fills := s.runtime.(runtime.Filler)
	if !ok || !fills {
		s.Skip("this runtime deletes nothing that was set aside")
	}
	began := time.Now().Add(-time.Minute)
	c := s.start(1)
	s.wantAside(discarder)
	s.write("old")
	s.stop("etcd1")
	first, err := s.runtime.SetAside(s.ctx, s.name, "etcd1")
	if err != nil {
		s.Fatal(err)
	}
	s.apply(c)
	s.write("new")
	s.stop("etcd1")
	second, err := filler.Fill(s.ctx, c, "etcd1", logOnly(s))
	if err != nil {
		s.Fatal(err)
	}
	third, err := s.runtime.SetAside(s.ctx, s.name, "etcd1") // the log that makes no member
	if err != nil {
		s.Fatal(err)
	}
	s.apply(c)
	s.write("newest")
	s.wantAside(discarder, third, second, first)
	all, err := discarder.AllAside(s.ctx, s.name)
	if err != nil || len(all) != 3 {
		s.Fatalf("AllAside gave %+v and %v", all, err)
	}
	for _, a := range all {
		if a.Server != "etcd1" || a.Time.Before(began) || a.Time.After(time.Now().Add(time.Minute)) || a.Lent {
			s.Errorf("it is told as %+v", a)
		}
	}
	stranger := all[1]
	stranger.Where += "0"
	if err := discarder.Discard(s.ctx, s.name, stranger); err == nil {
		s.Error("what was not set aside can be deleted")
	}
	if err := discarder.Discard(s.ctx, s.name, all[1]); err != nil {
		s.Fatal(err)
	}
	s.wantAside(discarder, third, first)
	if s.f.Holds(s.T, s.name, "etcd1", second) {
		s.Errorf("what was deleted is still at %s", second)
	}
	if !s.f.Holds(s.T, s.name, "etcd1", first) {
		s.Errorf("what was not deleted is not at %s", first)
	}
	s.wantValue("etcd1", "newest")
	s.stop("etcd1")
	if err := filler.BringBack(s.ctx, s.name, "etcd1", second); err == nil {
		s.Error("what was deleted can be brought back")
	}
	if err := filler.BringBack(s.ctx, s.name, "etcd1", first); err != nil {
		s.Fatal(err)
	}
	s.apply(c)
	s.wantValue("etcd1", "old")
}

// wantAside wants this to be set aside, and what Aside gives to be the same. Whoever only
// looks at the cluster is told so, too, but for the sizes.
func (s *subject) wantAside(discarder runtime.Discarder, want ...string) {
	s.Helper()
	seen := s.observe().Aside // first: to list it all may put right what is noted
	all, err := discarder.AllAside(s.ctx, s.name)
	var got []string
	for _, a := range all {
		got = append(got, a.Where)
	}
	if err != nil || !slices.Equal(got, want) {
		s.Errorf("AllAside gave %q and %v, want %q", got, err, want)
	}
	for i := range all {
		all[i].Bytes = 0
	}
	for i := range seen {
		seen[i].Bytes = 0
	}
	if diff := cmp.Diff(all, seen, cmpopts.EquateEmpty()); diff != "" {
		s.Errorf("Observe tells otherwise what is set aside (-AllAside +Observe):\n%s", diff)
	}
	if got, err := s.runtime.(runtime.Filler).Aside(s.ctx, s.name, "etcd1"); err != nil || !slices.Equal(got, want) {
		s.Errorf("Aside gave %q and %v, want %q", got, err, want)
	}
}

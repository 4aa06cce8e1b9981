package runtimetest

import (
	"context"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/runtime"
)

// blankDataIsTold is the contract of runtime.Looker.
func blankDataIsTold(s *subject) {
	looker, ok := s.runtime.(runtime.Looker)
	if !ok {
		s.Skip("this runtime can't look into data")
	}
	wantBlank := func(want bool) {
		s.Helper()
		if blank, err := looker.Blank(s.ctx, s.name, "etcd1"); err != nil || blank != want {
			s.Errorf("that nothing is in the data is told as %t (%v), want %t", blank, err, want)
		}
	}
	spec := s.spec(3)
	spec.LogLevel = "info"
	c := s.place(spec)
	s.apply(c, "etcd1")
	alone := !slices.ContainsFunc(s.observe().Servers, func(x runtime.Server) bool { return x.Name != "etcd1" && x.Active() })
	s.awaitRaft("etcd1")
	s.stop("etcd1")
	s.wantData("etcd1", runtime.Kept)
	if alone { // else a cluster may have come of all that were begun with it
		wantBlank(true)
	}
	s.apply(c)
	s.serve("etcd1", "etcd2", "etcd3")
	s.stop()
	wantBlank(false)
}

// awaitRaft waits until a server has begun its log.
func (s *subject) awaitRaft(server string) {
	s.Helper()
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	began := false
	err := s.runtime.Logs(ctx, s.name, runtime.LogOptions{Servers: []string{server}, Tail: -1, Follow: true}, func(l runtime.Line) {
		if strings.Contains(l.Text, "became follower at term") {
			began = true
			cancel()
		}
	})
	if !began {
		s.Fatalf("%s begins no log: %v", server, err)
	}
}

package runtimetest

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// places are the settings of servers, which tell where they are.
func places(c *cluster.Cluster) map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, m := range c.Servers() {
		all[m.Name] = byName(m.Settings)
	}
	return all
}

func byName(all cluster.Settings) map[string]string {
	m := map[string]string{}
	for _, x := range all {
		m[x.Name] = x.Value
	}
	return m
}

func hostPort(s *subject, text string) string {
	s.Helper()
	u, err := url.Parse(text)
	if err != nil {
		s.Fatal(err)
	}
	return u.Host
}

// lines reads logs to their end.
func (s *subject) lines(o runtime.LogOptions) []runtime.Line {
	s.Helper()
	var all []runtime.Line
	if err := s.runtime.Logs(s.ctx, s.name, o, func(l runtime.Line) { all = append(all, l) }); err != nil {
		s.Fatalf("Logs %+v: %v", o, err)
	}
	for _, l := range all {
		if strings.HasSuffix(l.Text, "\n") || l.Server == "" {
			s.Errorf("a line is %q of %q", l.Text, l.Server)
		}
	}
	return all
}

func texts(lines []runtime.Line) []string {
	var all []string
	for _, l := range lines {
		all = append(all, l.Text)
	}
	return all
}

func logsAreChosen(s *subject) {
	spec := s.spec(2)
	spec.LogLevel = "info"
	s.apply(s.place(spec))
	s.serve("etcd1", "etcd2")
	s.stop()
	every := func(servers ...string) runtime.LogOptions { return runtime.LogOptions{Servers: servers, Tail: -1} }
	first := s.lines(every("etcd1"))
	if len(first) < 3 || slices.ContainsFunc(first, func(l runtime.Line) bool { return l.Server != "etcd1" }) {
		s.Fatalf("etcd1 said %d lines: %q", len(first), texts(first))
	}
	both := s.lines(every())
	if !slices.ContainsFunc(both, func(l runtime.Line) bool { return l.Server == "etcd2" }) || len(both) <= len(first) {
		s.Errorf("etcd1 and etcd2 said %d lines, etcd1 alone %d", len(both), len(first))
	}
	for _, n := range []int{0, 2} {
		o := every("etcd1")
		o.Tail = n
		if diff := cmp.Diff(texts(first[len(first)-n:]), texts(s.lines(o))); diff != "" {
			s.Errorf("the last %d lines (-want +got):\n%s", n, diff)
		}
	}
	if err := s.runtime.Start(s.ctx, s.name); err != nil {
		s.Fatal(err)
	}
	s.serve("etcd1", "etcd2")
	s.stop()
	all := s.lines(every("etcd1"))
	o := every("etcd1")
	o.ThisStart = true
	if diff := cmp.Diff(texts(all[len(first):]), texts(s.lines(o))); diff != "" {
		s.Errorf("lines since the last start (-want +got):\n%s", diff)
	}
	s.sinceIsKept(all)
	if err := s.runtime.Logs(s.ctx, s.name, every("etcd9"), func(runtime.Line) {}); err == nil {
		s.Error("there are logs of a server that is not there")
	}
}

// sinceIsKept asks for what is not older than a line in the middle.
func (s *subject) sinceIsKept(all []runtime.Line) {
	s.Helper()
	middle := all[len(all)/2]
	if middle.Time.IsZero() {
		s.Log("the runtime does not know when lines were said")
		return
	}
	want := slices.DeleteFunc(slices.Clone(all), func(l runtime.Line) bool { return l.Time.Before(middle.Time) })
	got := s.lines(runtime.LogOptions{Servers: []string{"etcd1"}, Tail: -1, Since: middle.Time})
	if diff := cmp.Diff(texts(want), texts(got)); diff != "" {
		s.Errorf("lines since %v (-want +got):\n%s", middle.Time, diff)
	}
	if late := s.lines(runtime.LogOptions{Tail: -1, Since: all[len(all)-1].Time.Add(time.Hour)}); len(late) > 0 {
		s.Errorf("lines of the next hour: %q", texts(late))
	}
}

// logsAreFollowed goes on over the end of a server and its next start.
func logsAreFollowed(s *subject) {
	spec := s.spec(1)
	spec.LogLevel = "info"
	s.apply(s.place(spec))
	s.serve("etcd1")
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	heard, done := make(chan string), make(chan error, 1)
	go func() {
		done <- s.f.Runtime(s.T, nil).Logs(ctx, s.name, runtime.LogOptions{Tail: -1, Follow: true}, func(l runtime.Line) {
			select {
			case heard <- l.Text:
			case <-ctx.Done():
			}
		})
	}()
	s.hearStart(heard, done)
	for range 2 {
		s.stop("etcd1")
		if err := s.runtime.Start(s.ctx, s.name, "etcd1"); err != nil {
			s.Fatal(err)
		}
		s.hearStart(heard, done)
	}
	cancel()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		s.Errorf("following ended with %v", err)
	}
}

// hearStart waits for the words that a member ends its start with.
func (s *subject) hearStart(heard <-chan string, done <-chan error) {
	s.Helper()
	for {
		select {
		case text := <-heard:
			if strings.Contains(text, "ready to serve client requests") {
				return
			}
		case err := <-done:
			s.Fatalf("following ended by itself: %v", err)
		case <-s.ctx.Done():
			s.Fatal("nothing is heard of the start")
		}
	}
}

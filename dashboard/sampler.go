package dashboard

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/logs"
	"github.com/etcdctr/etcdctr/runtime"
)

const (
	// Every is the time between two looks.
	Every = 5 * time.Second
	// History is how long they are kept.
	History = time.Hour

	// patience is how long a look may take, and asking how long it may take besides to ask
	// the members how they are: more on a busy machine, which is to be seen all the same.
	patience = 4 * time.Second
	asking   = 10 * time.Second
	// unasked is after how many looks members are asked how they are, when nothing
	// gives a reason to ask at once: it costs more than their metrics.
	unasked = 6
	// looksOfPercentiles is over how many looks percentiles are taken.
	looksOfPercentiles = 6
)

// Sampler looks at a cluster again and again.
type Sampler struct {
	source Source
	now    func() time.Time

	mu      sync.Mutex
	rings   *rings
	events  chronicle
	state   *runtime.State
	report  health.Report
	failure error                // why nothing could be seen at the last look
	last    map[string]reading   // by member
	lastAt  map[string]time.Time // of it
	past    map[string][]reading // the last few, the oldest first
	rounds  int                  // since members were asked
	stepped time.Time            // when the last step of a change was taken that is known
	names   logs.Names
}

// NewSampler gives a sampler that has seen nothing yet; now is the clock.
func NewSampler(source Source, now func() time.Time) *Sampler {
	return &Sampler{
		source: source, now: now, rings: newRings(int(History / Every)), rounds: unasked,
		events: chronicle{elections: map[string]bool{}}, last: map[string]reading{}, lastAt: map[string]time.Time{}, past: map[string][]reading{},
	}
}

// Run looks until ctx ends. ticks tell when; time.NewTicker(Every) is meant.
func (s *Sampler) Run(ctx context.Context, ticks <-chan time.Time) {
	go s.listen(ctx)
	for {
		s.Look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
	}
}

// listen hears what members say, from an hour ago on. Where that ends, because
// there is nobody any more, it is tried again.
func (s *Sampler) listen(ctx context.Context) {
	since := s.now().Add(-History)
	for ctx.Err() == nil {
		_ = s.source.Listen(ctx, since, func(l runtime.Line) { // who can't be heard is seen to be away
			since = l.Time.Add(time.Nanosecond)
			s.hear(l)
		})
		select {
		case <-ctx.Done():
		case <-time.After(Every):
		}
	}
}

func (s *Sampler) hear(l runtime.Line) {
	e := logs.Read(l.Server, l.Text, l.Time)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names.Learn(e)
	if event, ok := heard(e, &s.names); ok {
		s.events.add(event)
	}
}

// Look looks once.
func (s *Sampler) Look(ctx context.Context) {
	look, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	state, err := s.source.Observe(look)
	if errors.Is(err, runtime.ErrNotFound) {
		state = &runtime.State{}
	} else if err != nil {
		s.unseen(err)
		return
	}
	s.follow()
	readings := s.scrape(look, state)
	var report *health.Report
	if s.wantsToAsk(state, readings) {
		ctx, cancel := context.WithTimeout(ctx, asking)
		defer cancel()
		if r, err := s.source.Check(ctx); err == nil {
			report = &r
		}
	}
	s.keep(state, readings, report)
}

// follow writes down which steps of changes were taken since the last look.
func (s *Sampler) follow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stepped.IsZero() {
		s.stepped = s.now().Add(-History)
	}
	steps, err := s.source.Steps(s.stepped)
	if err != nil {
		return // they are seen by what becomes of the members
	}
	for _, step := range steps {
		s.stepped = step.Time
		e := Event{Time: step.Time, Kind: Change, Member: strings.Join(step.Servers, ", "), Text: step.Text}
		if step.Failed {
			e.Kind = Trouble
		}
		s.events.add(e)
	}
}

// unseen keeps that there was nothing to be seen.
func (s *Sampler) unseen(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil {
		s.events.add(Event{Time: s.now(), Kind: Trouble, Text: err.Error()})
	}
	s.failure = err
	s.rings.add(s.now(), nil)
}

// scrape reads the metrics of all members that run, at the same time.
func (s *Sampler) scrape(ctx context.Context, state *runtime.State) map[string]reading {
	var mu sync.Mutex
	var all sync.WaitGroup
	readings := map[string]reading{}
	for _, m := range state.Members() {
		if m.Status != runtime.Running {
			continue
		}
		all.Go(func() {
			text, err := s.source.Scrape(ctx, m.Name)
			if err != nil {
				return // it is away
			}
			defer text.Close()
			if r, err := read(text); err == nil {
				mu.Lock()
				defer mu.Unlock()
				readings[m.Name] = r
			}
		})
	}
	all.Wait()
	return readings
}

// wantsToAsk reports whether it is time to ask members how they are: now and then,
// whenever something is not as it was, and always while something is wrong.
func (s *Sampler) wantsToAsk(state *runtime.State, now map[string]reading) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !state.Runs() {
		return s.state.Runs() || s.report.Time.IsZero()
	}
	s.rounds++
	if s.rounds >= unasked || !s.report.Healthy || len(now) != len(s.last) || len(state.Members()) != len(s.state.Members()) {
		return true
	}
	for name, r := range now {
		before, known := s.last[name]
		if !known || before.values["is leader"] != r.values["is leader"] || before.values["started"] != r.values["started"] {
			return true
		}
	}
	return false
}

func (s *Sampler) keep(state *runtime.State, readings map[string]reading, report *health.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.now()
	if s.failure != nil {
		s.events.add(Event{Time: at, Kind: Well, Text: "the cluster can be seen again"})
		s.failure = nil
	}
	for _, e := range changed(s.state, state, at) {
		s.events.add(e)
	}
	s.state = state
	if len(state.Servers) == 0 {
		s.events.elections = map[string]bool{} // those of another cluster begin anew
	}
	if report != nil {
		for _, e := range judged(s.report, *report) {
			s.events.add(e)
		}
		s.report, s.rounds = *report, 0
	}
	seen := map[string]look{}
	for _, m := range state.Members() {
		seen[m.Name] = s.lookAt(m.Name, readings, at)
	}
	s.rings.add(at, seen)
	s.last = readings
	for name := range readings {
		s.lastAt[name] = at
	}
	maps.DeleteFunc(s.past, func(name string, _ []reading) bool { _, answers := readings[name]; return !answers })
}

// lookAt compares what a member says with what it said before.
func (s *Sampler) lookAt(name string, readings map[string]reading, at time.Time) look {
	now, ok := readings[name]
	if !ok {
		return look{state: Away}
	}
	l := look{state: Serves}
	switch {
	case now.values["has leader"] == 0:
		l.state = Away
	case now.values["is leader"] == 1:
		l.state = Leads
	}
	w := window{before: s.last[name], now: now, seconds: at.Sub(s.lastAt[name]).Seconds()}
	if past := s.past[name]; len(past) > 0 {
		w.past = past[0]
	}
	for _, line := range lines {
		l.values = append(l.values, line.value(w))
	}
	s.past[name] = append(s.past[name], now)
	s.past[name] = s.past[name][max(0, len(s.past[name])-looksOfPercentiles):]
	return l
}

// quota is the least of the members', zero when none tells.
func (s *Sampler) quota() float64 {
	var all []float64
	for _, r := range s.last {
		if q, ok := r.values["quota"]; ok && q > 0 {
			all = append(all, q)
		}
	}
	if len(all) == 0 {
		return 0
	}
	return slices.Min(all)
}

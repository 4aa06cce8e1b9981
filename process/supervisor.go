package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/etcdctr/etcdctr/internal/processid"
)

// Options are how a supervisor makes itself heard. All of its functions but
// Prepare are called from several goroutines, one at a time, and must return
// quickly; each may be nil.
type Options struct {
	Output func(Line)  // what the members say; it is in the logs in any case
	Events func(Event) // what happens to them
	Ready  func()      // all members are started
	// Prepare is called once the services are started. The members start when
	// it returns, or not at all if it is an error. It ends with its context.
	Prepare func(context.Context, Stack) error
}

// supervisor runs a stack.
type supervisor struct {
	home    Home
	starter *starter
	log     io.Writer // of what happens

	mu      sync.Mutex // of what follows, and of calling options
	keepers map[string]*keeper
	options Options
	stack   Stack
	state   State
	broken  error // of writing the state down
	ending  bool  // no more orders are taken

	shutdown chan bool // asks for the end of the stack, and whether at once
	over     chan struct{}
}

// Run runs a stack in the foreground: until ctx ends, or until somebody calls
// Shutdown, and then stops its members. Neither is an error. It is a
// RunningError when the stack runs already, and any other error is one of
// starting: then nothing was started.
func (h Home) Run(ctx context.Context, stack Stack, o Options) error {
	release, err := h.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	s := newSupervisor(h, stack, o)
	if err := s.prepare(ctx); err != nil {
		return err
	}
	s.starter = newStarter()
	defer s.starter.close()
	for _, m := range s.running().all() {
		s.hire(m)
	}
	control, err := s.control()
	if err != nil {
		return err
	}
	defer control.Close()
	if err := s.begin(ctx); err != nil {
		return err
	}
	s.heard(func(o Options) {
		if o.Ready != nil {
			o.Ready()
		}
	})
	s.wait(ctx)
	return s.broken
}

func newSupervisor(h Home, stack Stack, o Options) *supervisor {
	stack = stack.at(h.dir())
	s := &supervisor{
		home: h, stack: stack, options: o, keepers: map[string]*keeper{},
		log: h.logFile(SupervisorLog), shutdown: make(chan bool), over: make(chan struct{}),
		state: State{Name: stack.Name, Supervisor: processid.Of(os.Getpid()), Home: h.dir()},
	}
	s.state.Members, s.state.Services = stopped(stack.Members), stopped(stack.Services)
	return s
}

func stopped(members []Member) []MemberState {
	states := make([]MemberState, len(members))
	for i, m := range members {
		states[i] = MemberState{Name: m.Name, Status: Stopped, Since: time.Now()}
	}
	return states
}

// prepare puts the home in order before anything starts.
func (s *supervisor) prepare(ctx context.Context) error {
	last, err := s.home.State()
	if err != nil && !errors.Is(err, ErrNoStack) {
		return err
	}
	s.recover(last)
	stack := s.running()
	if err := checkPorts(ctx, stack.all()); err != nil {
		return err
	}
	return errors.Join(s.discard(), s.home.write(stackFile, stack))
}

// recover ends what a supervisor left running that was killed.
func (s *supervisor) recover(last State) {
	lost := false
	for _, m := range last.all() {
		if m.Status == Orphaned {
			kill(m.Process)
			s.tell(Event{Member: m.Name, Kind: Rescued, PID: m.Process.PID})
		}
		lost = lost || m.Status == Lost || m.Status == Orphaned
	}
	if lost {
		s.tell(Event{Kind: Recovered})
	}
	_ = s.home.leave(last.Socket) // where it can't go, it keeps nobody from anything
}

// discard deletes data that was not meant to stay.
func (s *supervisor) discard() error {
	var errs []error
	stack := s.running()
	for _, m := range stack.all() {
		if stack.Ephemeral {
			errs = append(errs, os.RemoveAll(m.DataDir))
		}
	}
	return errors.Join(errs...)
}

// hire finds a keeper for a member or service.
func (s *supervisor) hire(m Member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, isMember := Find(s.stack.Members, m.Name)
	s.keepers[m.Name] = &keeper{
		guards: isMember, member: m, grace: s.stack.StopGrace, start: s.starter.start, pauses: crashPauses(),
		output:  newLogWriter(s.home, m.Name, s.say),
		change:  func(f func(*MemberState), e Event) { s.change(m.Name, f, e) },
		forgets: func() bool { return s.running().Ephemeral },
	}
}

func (s *supervisor) keeper(name string) (*keeper, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.keepers[name]
	return k, ok
}

// engage finds keepers for those that are new, once nobody else has their ports.
func (s *supervisor) engage(ctx context.Context, names []string) error {
	stack := s.running()
	for _, name := range names {
		if _, ok := s.keeper(name); ok {
			continue
		}
		m, _ := stack.find(name)
		if err := checkPorts(ctx, []Member{m}); err != nil {
			return errors.Join(err, s.describe(func(stack Stack) (Stack, error) { return stack.without([]string{name}), nil }))
		}
		s.mu.Lock()
		if _, service := Find(stack.Services, name); service {
			s.state.Services = append(s.state.Services, stopped([]Member{m})...)
		} else {
			s.state.Members = append(s.state.Members, stopped([]Member{m})...)
		}
		s.mu.Unlock()
		s.hire(m)
	}
	return nil
}

// dismiss forgets members and services that are retired.
func (s *supervisor) dismiss(names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	named := func(m MemberState) bool { return slices.Contains(names, m.Name) }
	s.state.Members = slices.DeleteFunc(slices.Clone(s.state.Members), named)
	s.state.Services = slices.DeleteFunc(slices.Clone(s.state.Services), named)
	for _, name := range names {
		delete(s.keepers, name)
	}
	s.broken = errors.Join(s.broken, s.home.write(stateFile, s.state))
}

// begin starts all members, or none.
func (s *supervisor) begin(ctx context.Context) error {
	err := s.startServices(ctx)
	if err == nil {
		err = s.startMembers(ctx)
	}
	if err != nil {
		s.end(context.Background(), true)
	}
	return err
}

func (s *supervisor) startServices(ctx context.Context) error {
	stack := s.running()
	for _, m := range stack.Services {
		if err := s.start(m); err != nil {
			return err
		}
	}
	if s.options.Prepare == nil || len(stack.Services) == 0 {
		return nil
	}
	return s.options.Prepare(ctx, stack)
}

func (s *supervisor) startMembers(ctx context.Context) error {
	stack := s.running()
	for _, m := range stack.Members {
		if slices.Contains(stack.Resting, m.Name) {
			s.note()
			continue
		}
		if err := s.start(m); err != nil {
			return err
		}
		if stack.InTurn {
			s.awaitTurn(ctx, m)
		}
	}
	return nil
}

func (s *supervisor) start(m Member) error {
	k, _ := s.keeper(m.Name)
	if err := k.begin(); err != nil {
		return fmt.Errorf("cannot start %s: %w", m.Name, err)
	}
	return nil
}

// longestTurn is how long a member is waited for: what it costs at most not to
// wait at all.
const longestTurn = time.Second

// awaitTurn returns when it is the next member's turn to start.
func (s *supervisor) awaitTurn(ctx context.Context, m Member) {
	ctx, cancel := context.WithTimeout(ctx, longestTurn)
	defer cancel()
	for ctx.Err() == nil && m.MetricsURL != "" {
		if answer, err := askMetrics(ctx, m); err == nil {
			answer.Body.Close()
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// wait returns when the stack has run and was stopped.
func (s *supervisor) wait(ctx context.Context) {
	atOnce := false
	select {
	case <-ctx.Done():
	case atOnce = <-s.shutdown:
	}
	s.end(context.WithoutCancel(ctx), atOnce)
	if err := s.discard(); err != nil {
		s.broken = errors.Join(s.broken, err)
	}
	close(s.over)
}

// end stops all members for good. Followers stop at the same time: each of them
// waits up to a second for its peers to hang up. The leader stops after them: as
// long as they stop, it waits in vain for one of them to take over. If nobody is
// known to lead, they stop one after the other, so that whoever does finds
// somebody.
func (s *supervisor) end(ctx context.Context, atOnce bool) {
	s.mu.Lock()
	s.ending = true
	s.mu.Unlock()
	stack := s.running()
	if atOnce {
		s.together(stack.all(), (*keeper).kill)
		return
	}
	if leader := Leader(ctx, stack.Members); leader != "" {
		followers := slices.DeleteFunc(slices.Clone(stack.Members), func(m Member) bool { return m.Name == leader })
		s.together(followers, (*keeper).retire)
	}
	for _, m := range stack.all() { // the services last
		if k, ok := s.keeper(m.Name); ok {
			k.retire()
		}
	}
}

func (s *supervisor) together(members []Member, do func(*keeper)) {
	var all sync.WaitGroup
	for _, m := range members {
		all.Go(func() {
			if k, ok := s.keeper(m.Name); ok {
				do(k)
			}
		})
	}
	all.Wait()
}

// describe changes the description of the stack, as long as that does not end. The
// keepers are told separately.
func (s *supervisor) describe(change func(Stack) (Stack, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return ErrStopping
	}
	stack, err := change(s.stack)
	if err != nil {
		return err
	}
	if err := s.home.write(stackFile, stack); err != nil {
		return err
	}
	s.stack = stack
	return nil
}

// adopt gives a stack with another description, and in it that of the named
// members.
func adopt(stack, wanted Stack, members []string) (Stack, error) {
	stack.StopGrace, stack.Ephemeral, stack.Notes = wanted.StopGrace, wanted.Ephemeral, wanted.Notes
	for _, name := range members {
		if _, ok := wanted.find(name); !ok {
			return stack, fmt.Errorf("%s is not a member of what is wanted", name)
		}
		stack = stack.with(name, wanted)
	}
	return stack.awake(members), nil
}

// note writes down how the stack is.
func (s *supervisor) note() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = errors.Join(s.broken, s.home.write(stateFile, s.state))
}

// running is the stack as it is described now.
func (s *supervisor) running() Stack {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stack
}

// change notes how a member is now.
func (s *supervisor) change(member string, f func(*MemberState), e Event) {
	s.mu.Lock()
	for _, m := range s.state.all() {
		if m.Name == member { // one that was dismissed is in it no more
			f(m)
			m.Since = time.Now()
		}
	}
	s.broken = errors.Join(s.broken, s.home.write(stateFile, s.state))
	s.mu.Unlock()
	e.Member = member
	s.tell(e)
}

func (s *supervisor) tell(e Event) {
	e.Time = time.Now()
	s.heard(func(o Options) {
		logEvent(s.log, e)
		if o.Events != nil {
			o.Events(e)
		}
	})
}

func (s *supervisor) say(l Line) {
	s.heard(func(o Options) {
		if o.Output != nil {
			o.Output(l)
		}
	})
}

func (s *supervisor) heard(f func(Options)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.options)
}

package converge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/listed"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// do carries one step out. Then the situation is what the step makes of it, as long
// as nobody looks.
func (r *run) do(ctx context.Context, step Step) error {
	before := r.situation
	if err := r.carryOut(ctx, step); err != nil {
		if !r.betterNow(ctx, step, before) && !r.stoppedSince(ctx, err) {
			return err
		}
	}
	view := r.situation.Etcd
	r.situation = r.situation.After(step)
	r.line.stale = true
	r.acted = r.acted || step.Kind.isRuntimes()
	if step.Kind == Prepare {
		r.situation.Etcd, r.line.stale = view, false
	}
	return nil
}

// betterNow: the wait for one member has failed, and the cluster has a quorum
// all the same, which it had not before; or it is clear by now that what was waited
// for leads nowhere, and another release comes next. Then more can be done.
func (r *run) betterNow(ctx context.Context, step Step, before Situation) bool {
	if step.Kind != AwaitServing || before.Etcd.Quorum() || ctx.Err() != nil {
		return false
	}
	return r.look(ctx) == nil && (r.situation.Etcd.Quorum() || len(r.situation.Then) < len(before.Then))
}

// stoppedSince: what was waited for has been stopped meanwhile, such as by an engine that
// a killed run had asked to. Then it is looked anew.
func (r *run) stoppedSince(ctx context.Context, err error) bool {
	unwell := (*UnwellError)(nil)
	if !errors.As(err, &unwell) || !unwell.stopped || r.look(ctx) != nil {
		return false
	}
	r.acted = true // it is to be seen again what is there, not what the wait would have made of it
	return true
}

func (k Kind) isRuntimes() bool {
	switch k {
	case Apply, Begin, End, Remove, Delete, SetAside, Join:
		return true
	}
	return false
}

func (r *run) carryOut(ctx context.Context, step Step) error {
	if step.Kind == Prepare || step.Kind.isRuntimes() {
		return r.runtimes(ctx, step)
	}
	etcd, err := r.dial(ctx)
	if err != nil && step.Kind == AwaitServing {
		etcd, err = r.awaitOne(ctx, step.Servers, err)
	}
	if err != nil {
		return err
	}
	return r.etcds(ctx, etcd, step)
}

// runtimes does a step of the runtime's.
func (r *run) runtimes(ctx context.Context, step Step) error {
	name := r.wish.Name
	switch step.Kind {
	case Prepare:
		return r.Runtime.Prepare(ctx, r.prepared(step.To), step.Servers...)
	case Apply:
		return r.Runtime.Apply(ctx, r.applied(step), step.Servers...)
	case Join:
		if err := r.clear(ctx, step); err != nil {
			return err
		}
		return r.Runtime.Apply(ctx, r.situation.Want.Joining(step.Servers[0], r.counted()), step.Servers...)
	case Begin:
		return r.Runtime.Start(ctx, name, step.Servers...)
	case End:
		return r.Runtime.Stop(ctx, name, step.Grace, step.Servers...)
	case Remove, Delete:
		return r.Runtime.Remove(ctx, name, runtime.Removal{Servers: step.Servers, Data: step.Kind == Delete})
	case SetAside:
		where, err := r.Runtime.SetAside(ctx, name, step.Servers[0])
		r.tell(Event{Kind: Moves, Step: step, Where: where})
		return err
	}
	return fmt.Errorf("a runtime has no step %q", step.Kind)
}

// applied is the cluster that a step applies: one of all members founds it, of whom nobody
// has data.
func (r *run) applied(step Step) *cluster.Cluster {
	if len(step.Servers) == 0 {
		return r.situation.Want.Anew()
	}
	return r.situation.Want
}

// clear sets aside what is left of the data of a member that is to start empty: on a
// database without its log etcd fails.
func (r *run) clear(ctx context.Context, step Step) error {
	s, there := r.situation.Have.Server(step.Servers[0])
	if !there || s.Data != runtime.None {
		return nil
	}
	where, err := r.Runtime.SetAside(ctx, r.wish.Name, s.Name)
	if err == nil && where != "" {
		r.tell(Event{Kind: Moves, Step: step, Where: where})
	}
	return err
}

// prepared is the cluster of a release.
func (r *run) prepared(version string) *cluster.Cluster {
	for _, want := range r.situation.Then {
		if want.Etcd.String() == version {
			return want
		}
	}
	return r.situation.Want
}

// counted are the members as a new one has to be told of them.
func (r *run) counted() []string {
	var list []string
	seen := map[string]bool{"": true}
	for _, p := range look(r.situation).those((*part).isCounted) {
		name := p.name
		if seen[name] { // etcd goes by the URLs, and takes one name for one member
			name = p.member.ID.String()
		}
		seen[name] = true
		for _, url := range p.member.PeerURLs {
			list = append(list, name+"="+url)
		}
	}
	slices.Sort(list)
	return list
}

// etcds does a step of etcd's.
func (r *run) etcds(ctx context.Context, etcd Etcd, step Step) error {
	var err error
	switch step.Kind {
	case AddLearner:
		_, err = etcd.AddLearner(ctx, r.situation.peerURLs(step.Servers[0])...)
	case Promote:
		return r.promote(ctx, step)
	case RemoveMember:
		err = etcd.Remove(ctx, step.Member)
	case UpdatePeers:
		err = etcd.UpdatePeers(ctx, step.Member, r.situation.peerURLs(step.Servers[0])...)
	case MoveLeader:
		err = etcd.MoveLeader(ctx, step.To)
	case AllowLower:
		err = etcd.EnableDowngrade(ctx, lowerTo(step.To))
	case ForbidLower:
		err = etcd.CancelDowngrade(ctx)
	case RefreshStore:
		err = etcd.RenewSnapshots(ctx)
	case PutRole, DropRole, PutUser, DropUser, TurnUsersOn, TurnUsersOff:
		return r.users(ctx, etcd, step)
	default:
		return r.wait(ctx, etcd, step)
	}
	return err
}

// promote waits for a learner to catch up, and has it promoted. Why one does not catch up
// is in its log, such as a disk that is full.
func (r *run) promote(ctx context.Context, step Step) error {
	learner := step.Servers[0]
	joining, cancel := context.WithCancel(ctx)
	defer cancel()
	unheard := false
	err := r.join(joining, learner, func(u member.CatchUp) {
		r.tell(Event{Kind: Moves, Step: step, CatchUp: u})
		if u.Unheard && !r.forgets(learner) {
			unheard = true
			cancel()
		}
	})
	if unheard && err != nil && ctx.Err() == nil {
		if err := r.startAnew(ctx, learner); err != nil {
			return err
		}
		err = r.join(ctx, learner, func(u member.CatchUp) { r.tell(Event{Kind: Moves, Step: step, CatchUp: u}) })
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	unwell := &UnwellError{Server: learner, What: "gets no vote", Err: err, again: true}
	unwell.Log = r.lastWords(ctx, unwell)
	return unwell
}

// join has a learner promoted. One that is between two starts is nobody whom the others
// can be asked about, and is looked for until it runs or has ended for good.
func (r *run) join(ctx context.Context, learner string, tell func(member.CatchUp)) error {
	restarts := restartsOf(r.situation.Have)
	looking, cancel := context.WithTimeout(ctx, cmp.Or(r.Patience, usualPatience))
	defer cancel()
	for {
		etcd, err := r.dial(ctx)
		if err == nil {
			err = etcd.Join(ctx, learner, tell)
		}
		if !errors.Is(err, member.ErrUnknownMember) {
			return err
		}
		if u := hopelessOne(r.situation.Have, []string{learner}, restarts); u != nil {
			return u
		}
		select {
		case <-looking.Done():
			return cmp.Or(ctx.Err(), err)
		case <-time.After(glance):
		}
		if err := r.observe(ctx); err != nil {
			return err
		}
	}
}

// startAnew starts a learner once more, which nobody asks anything yet. It listens to no
// signal before it serves.
func (r *run) startAnew(ctx context.Context, learner string) error {
	r.acted = true
	if err := r.Runtime.Stop(ctx, r.wish.Name, leastGrace, learner); err != nil {
		return err
	}
	return r.Runtime.Start(context.WithoutCancel(ctx), r.wish.Name, learner)
}

// forgets tells whether a server that stops has lost its data.
func (r *run) forgets(server string) bool {
	s, _ := r.situation.Have.Server(server)
	return s.Data == runtime.Volatile
}

// lowerTo is a version as etcd wants it of a downgrade: 3.6 for 3.6.0.
func lowerTo(version string) string { return strings.TrimSuffix(version, ".0") }

func (r *run) wait(ctx context.Context, etcd Etcd, step Step) error {
	var err error
	switch step.Kind {
	case AwaitServing:
		return r.awaitServing(ctx, etcd, step)
	case AwaitSteady:
		_, err = etcd.WaitView(ctx, inStep)
	case AwaitStorage:
		_, err = etcd.WaitStorageVersion(ctx, step.To)
	case AwaitVersion:
		if _, err = etcd.WaitClusterVersion(ctx, step.To); err == nil {
			_, err = etcd.WaitNoDowngrade(ctx)
		}
	case CompareHashes:
		return compareHashes(ctx, etcd)
	default:
		err = fmt.Errorf("etcd has no step %q", step.Kind)
	}
	return err
}

// inStep tells why not all members follow one leader.
func inStep(v member.View) error {
	for _, reason := range v.Unsteady() {
		if reason.Flaw == member.Leaderless || reason.Flaw == member.Lagging {
			return errors.New(reason.String())
		}
	}
	return nil
}

// A busy member may have no time for an answer: it is asked some times more.
const (
	hashTries = 3
	hashPause = time.Second
)

func compareHashes(ctx context.Context, etcd Etcd) error {
	for try := 1; ; try++ {
		hashes, err := etcd.Hash(ctx)
		if err != nil || hashes.Same() {
			return err
		}
		if groups := hashes.Groups(); len(groups) > 1 {
			return &ApartError{Groups: groups}
		}
		if try == hashTries {
			return errUncompared
		}
		select {
		case <-time.After(hashPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// errUncompared is no fault of the data: what came before it is done.
var errUncompared = errors.New("not every member could be asked for its data's hash, so nobody knows whether all hold the same; " +
	"what was changed before stays, and the members are in the cluster: `etcdctr health --deep` compares the data once more")

// ApartError tells that members of one cluster hold different data.
type ApartError struct {
	Groups [][]string // members, by what they hold
}

func (e *ApartError) Error() string {
	var groups []string
	for _, g := range e.Groups {
		groups = append(groups, listed.And(g))
	}
	return "the members hold different data: " + strings.Join(groups, " against ")
}

// awaitServing waits until members serve, and gives up early on one whose
// process has ended.
func (r *run) awaitServing(ctx context.Context, etcd Etcd, step Step) error {
	w := Await{
		Runtime: r.Runtime, Etcd: etcd, Have: r.situation.Have, Servers: step.Servers, Patience: r.Patience,
		Reading: func(bytes int64) { r.tell(Event{Kind: Moves, Step: step, Reads: bytes}) },
		Again:   r.redial,
	}
	err := w.Serving(ctx)
	if unwell := (*UnwellError)(nil); errors.As(err, &unwell) {
		unwell.Log = r.lastWords(ctx, unwell)
	}
	r.served = r.served || err == nil
	return err
}

// redial gives who asks the members that run by now.
func (r *run) redial(ctx context.Context) (Asker, error) {
	if err := r.observe(ctx); err != nil {
		return nil, err
	}
	return r.dial(ctx)
}

// UnwellError tells of a member that did not come to serve.
type UnwellError struct {
	Server string
	What   string   // such as "has ended: exited with code 1"
	Err    error    // what it answered last
	Log    []string // its last lines, of this start unless that has only begun

	again   bool // it is started again and again
	stopped bool // somebody has stopped it during the wait
}

func (e *UnwellError) Error() string {
	if e.Err == nil {
		return e.Server + " " + e.What
	}
	return fmt.Sprintf("%s %s: %v", e.Server, e.What, e.Err)
}

func (e *UnwellError) Unwrap() error { return e.Err }

// lastLines is how much of a log tells why a member did not come up.
const lastLines = 50

// lastWords are those of the start that failed: of a server that is started again
// and again it is one before this.
func (r *run) lastWords(ctx context.Context, u *UnwellError) []string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var lines []string
	o := runtime.LogOptions{Servers: []string{u.Server}, Tail: lastLines, ThisStart: !u.again}
	_ = r.Runtime.Logs(ctx, r.wish.Name, o, func(l runtime.Line) { lines = append(lines, l.Text) }) // what there is
	return lines
}

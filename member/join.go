package member

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// CatchUp is how far a learner has come.
type CatchUp struct {
	Name string
	// Answers tells whether the learner tells how far it is. With much data it
	// does not for some seconds, while it is sent a snapshot.
	Answers bool
	// Voter says that it has its vote already.
	Voter bool
	// Applied is the last raft entry that it has carried out, Goal the last that
	// its leader had committed before.
	Applied, Goal uint64
	// DBSize is that of its database in bytes, LeaderDBSize its leader's.
	DBSize, LeaderDBSize int64
	// Unheard says that it waits in vain. Before it serves, a member tells the others
	// who it is, and waits for that to come back in raft's log: for 7 s, and then
	// tells again (etcdserver, publishV3). What is in the snapshot that it is sent does
	// not come in the log, of which etcd 3.6 and later send one to who is new. Once
	// started anew it serves at once.
	Unheard bool

	id     ID
	silent bool
}

// Behind is how many raft entries are left.
func (u CatchUp) Behind() uint64 { return u.Goal - min(u.Goal, u.Applied) }

// Join waits until a learner is in step and has its vote, and tells progress,
// which may be nil, whenever it sees some. It does not wait until the member
// serves clients: see WaitServing. It gives up with ErrNoProgress when nothing
// has moved for Patience.Progress, and for as much longer as it may take to send
// the database while the learner is still silent.
func (c *Client) Join(ctx context.Context, name string, progress func(CatchUp)) error {
	w := waiting{c: c, moved: c.config.Now()}
	for {
		now, err := c.catchUp(ctx, name, w.question())
		switch {
		case err == nil:
			now.Unheard = w.inVain(now)
			w.see(now, progress)
		case !passing(err):
			return fmt.Errorf("cannot promote %s: %w", name, err)
		}
		w.trouble = err
		if err == nil && (now.Voter || now.Answers && now.Behind() == 0) {
			err := c.promoteAsSeen(ctx, now)
			switch {
			case err == nil:
				return nil
			case !errors.Is(err, ErrBehind) && !errors.Is(err, ErrNotAlive):
				return fmt.Errorf("cannot promote %s: %w", name, err)
			}
		}
		if err := w.rest(ctx); err != nil {
			return fmt.Errorf("cannot promote %s: %w", name, err)
		}
	}
}

// waiting is the state of a wait for a learner.
type waiting struct {
	c       *Client
	last    CatchUp
	moved   time.Time // when anything was seen to move
	trouble error     // of the last look
	asked   int
	told    time.Time // since when it is known that it has told who it is
}

// A learner that answers does so at once, one that does not is asked often at first.
const (
	brief   = 500 * time.Millisecond
	briefly = 6
	unheard = 400 * time.Millisecond
)

// question is how long the learner may take to answer this time.
func (w *waiting) question() time.Duration {
	if w.asked++; w.asked <= briefly {
		return min(brief, w.c.config.Patience.Question)
	}
	return w.c.config.Patience.Question
}

// inVain tells whether a learner has told who it is, long ago for what it has to read,
// and still accepts connections only.
func (w *waiting) inVain(now CatchUp) bool {
	switch at := w.c.config.Now(); {
	case !now.silent || now.Voter || now.id == 0:
		w.told = time.Time{}
	case w.told.IsZero():
		w.told = at
	default:
		return at.Sub(w.told) > unheard+TimeFor(now.LeaderDBSize)
	}
	return false
}

func (w *waiting) see(now CatchUp, progress func(CatchUp)) {
	if now == w.last {
		return
	}
	if now.further(w.last) {
		w.moved = w.c.config.Now()
	}
	w.last = now
	if progress != nil {
		progress(now)
	}
}

// rest waits for the next look, or gives up.
func (w *waiting) rest(ctx context.Context) error {
	stalled := w.c.config.Now().Sub(w.moved)
	if stalled > w.c.config.Patience.Progress+w.last.allowance() {
		return fmt.Errorf("%w for %s: %w", ErrNoProgress, stalled.Round(time.Second), w.state())
	}
	if err := rest(ctx); err != nil {
		return fmt.Errorf("%w: %w", w.state(), err)
	}
	return nil
}

// state says how far the learner was when it was looked at last.
func (w *waiting) state() error {
	switch {
	case w.trouble != nil:
		return w.trouble
	case !w.last.Answers:
		return ErrNotAlive
	}
	return &BehindError{Name: w.last.Name, Behind: w.last.Behind()}
}

// further tells whether anything moved towards the end.
func (u CatchUp) further(before CatchUp) bool {
	return u.Answers && !before.Answers || u.Applied > before.Applied || u.DBSize > before.DBSize
}

// allowance is the time that a silent learner gets for the database that it is
// sent.
func (u CatchUp) allowance() time.Duration {
	if u.Answers {
		return 0
	}
	return TimeFor(u.LeaderDBSize)
}

// TimeFor is how long it may take to read, send or write so many bytes of data: as if
// on a disk of 10 MiB/s.
func TimeFor(bytes int64) time.Duration {
	const perSecond = 10 << 20
	return time.Duration(bytes) * time.Second / perSecond
}

// catchUp looks at a learner once, which may take so long to answer.
func (c *Client) catchUp(ctx context.Context, name string, patience time.Duration) (CatchUp, error) {
	if _, err := c.to(name); err != nil {
		return CatchUp{}, err
	}
	leader, err := c.servant(ctx, 0)
	if err != nil {
		return CatchUp{}, err
	}
	question, cancel := c.question(ctx)
	defer cancel()
	list, err := leader.to.etcd.MemberList(question)
	if err != nil {
		return CatchUp{}, err
	}
	members := membersOf(list.Members)
	now := CatchUp{Name: name, Goal: leader.said.Index, LeaderDBSize: leader.said.DBSize}
	if m, ok := learnerNamed(members, name); ok {
		now.id, now.Voter = m.ID, !m.Learner
	}
	asking, done := context.WithTimeout(ctx, patience)
	defer done()
	said := c.first(asking, name)
	if !said.Answers() {
		now.silent = said.Trouble == Silent
		return now, ctx.Err()
	}
	return now, now.take(said, leader.said.Cluster, members)
}

// learnerNamed is the member of a name; of two, as there are while one moves to
// another machine, the one that has no vote.
func learnerNamed(members []Member, name string) (Member, bool) {
	named := slices.DeleteFunc(slices.Clone(members), func(m Member) bool { return m.Name != name })
	if len(named) > 1 {
		named = slices.DeleteFunc(named, func(m Member) bool { return !m.Learner })
	}
	if len(named) != 1 {
		return Member{}, false
	}
	return named[0], true
}

// take takes what a learner says of itself.
func (u *CatchUp) take(said Endpoint, cluster ID, members []Member) error {
	i := slices.IndexFunc(members, func(m Member) bool { return m.ID == said.ID })
	switch {
	case said.Cluster != cluster:
		return fmt.Errorf("%w of this cluster, but of cluster %s: stop it, delete its data, and start it with the initial cluster state existing", ErrUnknownMember, said.Cluster)
	case i < 0:
		return fmt.Errorf("%w any more: it was removed", ErrUnknownMember)
	}
	u.id, u.Answers, u.Voter = said.ID, true, !members[i].Learner
	u.Applied, u.DBSize = said.Applied, said.DBSize
	return nil
}

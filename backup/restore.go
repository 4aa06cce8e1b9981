package backup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/internal/scratch"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// DefaultBump is added to the revision of what is restored: more than any
// cluster writes between a backup and its end.
const DefaultBump = 1_000_000_000

// Runtime is one whose servers can be filled.
type Runtime interface {
	runtime.Runtime
	runtime.Filler
}

// Restoration brings a cluster back from an archive.
type Restoration struct {
	Runtime Runtime
	// Want is the cluster that is to be: its size, names and release are its own,
	// whatever those of the archive were.
	Want *cluster.Cluster
	// Source leads on from the archive to a later moment; nil for what the archive
	// holds.
	Source *Source
	// Bump is added to the revision, which counts as compacted then: watchers and
	// caches that knew later revisions than the archive are told so, where they
	// would otherwise wait for what they take for old. It is raised from the archive's or
	// from what the cluster has now, whichever is newer. 0 leaves it as it was.
	Bump uint64
	// Seen is a revision that clients may know besides, such as that of the newest backup.
	Seen int64
	// Asked says that Seen is what the members that are there know, who are not asked
	// again then.
	Asked bool
	// Shut has etcd go by its users from the members' start on, and know none but root, who
	// comes by a certificate: those of the archive are taken away, whether they were on in it
	// or off, and whoever is to be one is made by converge afterwards.
	Shut bool
	// Secret opens an archive that is encrypted.
	Secret Secret
	// Again is the command that goes on with the restoration where it was not finished,
	// as arguments of etcdctr, for whoever finds that out.
	Again []string
	// Held lets go of the cluster's lock, which whoever calls Do has taken before; where it is
	// nil, Do takes it.
	Held func() error
	// Scratch is a folder with room for the database, once.
	Scratch string
	// Ask gives a client for the members that run; whoever asks closes it.
	Ask func(ctx context.Context, have *runtime.State) (*member.Client, func() error, error)
	// Provide makes what the members need besides what runs them, such as
	// certificates; may be nil.
	Provide func(ctx context.Context, want *cluster.Cluster) error
	// Check tells what Provide would refuse, and makes nothing; may be nil.
	Check func(ctx context.Context, want *cluster.Cluster) error
	// Consent is asked before anything is touched that is there; an error ends
	// it. Without it that is ErrNoConsent.
	Consent func(ctx context.Context, there There) error
	// Tell is told what is done; may be nil.
	Tell func(action string)
	// Detail is told what that comes down to; without it Tell is.
	Detail func(action string)
	// Warn is told what is to be known even by who does not want to be told what is
	// done; without it Tell is.
	Warn func(what string)
}

// There is what a restored cluster takes the place of.
type There struct {
	Name    string
	Running []string // the servers that run
	Data    []string // the members that have data, which will be set aside
	// Revision is what the cluster holds, as far as it runs and answers; 0 where nobody
	// can say. Another tells that it is another cluster than the one of By, whose
	// revisions are not to be compared with it.
	Revision int64
	Another  bool
	// By is what they are replaced by; without a time what one says of itself that runs,
	// and zero for what is yet to be found among them.
	By Metadata
}

// Restored says what has become of it.
type Restored struct {
	Metadata Metadata
	// Revision is the cluster's now.
	Revision int64
	// Aside is where the former data is, by member.
	Aside map[string]string
	// Overfull says that the database takes more than quota-backend-bytes: etcd raises
	// its alarm at the first write, and refuses all.
	Overfull bool
}

// TooOldError is the error of a release that does not read the data.
type TooOldError struct {
	Etcd cluster.Version // what the cluster is to be
	Data int             // the minor of the oldest release that reads it
}

func (e *TooOldError) Error() string {
	return fmt.Sprintf("the backup is of etcd 3.%d, and the cluster is to be %s: an older etcd refuses the data or misreads it", e.Data, e.Etcd)
}

// ErrNoConsent is the error of replacing what is there where nobody is asked.
var ErrNoConsent = errors.New("what is there would be replaced, and there is no Consent to ask")

// ErrDifferent is the error of members that are restored and do not hold the
// same.
var ErrDifferent = errors.New("the members do not hold the same data")

// Do restores an archive, or a bare snapshot. Whatever can be found wrong is
// found before anything is touched: the archive, the release, the room. Then the
// members are stopped, and data is made for each of the one snapshot, under a token
// that no cluster ever had: data of before can't mix with it. Once all of it is there it
// takes the place of what members had, which is set aside. If that fails, it is taken
// back and the members that ran run again. Killed at any moment, it is Unfinished as long
// as there are members that it had not come to: it can be called again then, which takes
// back what was done first, or Undo does no more than that.
//
// It is restored once all members serve, hold the same and no alarm is left:
// etcd keeps alarms in its data, of members that are no more.
func (r *Restoration) Do(ctx context.Context, archive string) (Restored, error) {
	room, remove, err := scratch.Make(r.Scratch, "etcdctr-restore")
	if err != nil {
		return Restored{}, fmt.Errorf("cannot make a folder to unpack into: %w", err)
	}
	defer remove()
	u, err := r.unpack(ctx, archive, room)
	if err == nil {
		err = r.check(ctx)
	}
	if err != nil {
		return Restored{}, err
	}
	there, have, err := r.consent(ctx, u.Metadata)
	if err != nil {
		return Restored{}, err
	}
	if r.Provide != nil {
		if err := r.Provide(ctx, r.Want); err != nil {
			return Restored{}, err
		}
	}
	if err := r.Runtime.Prepare(ctx, r.Want); err != nil {
		return Restored{}, err
	}
	if err := TryFill(ctx, r.Runtime, r.Want); err != nil {
		return Restored{}, err
	}
	seen, err := r.seen(ctx, have, there, room)
	if err != nil {
		return Restored{}, err
	}
	if err := r.build(ctx, u.Snapshot, room, seen); err != nil {
		return Restored{}, err
	}
	c, err := inspect(u.Snapshot)
	if err != nil {
		return Restored{}, err
	}
	result := Restored{Metadata: u.Metadata}
	if result.Aside, err = r.exchange(ctx, there, u.Snapshot, room); err != nil {
		return result, err
	}
	if result.Revision, err = r.prove(ctx, c.Size); err == nil {
		result.Overfull = r.overfull(c.Size)
	}
	return result, err
}

// check finds what the members can't be given, before anybody is asked anything.
func (r *Restoration) check(ctx context.Context) error {
	if r.Check != nil {
		if err := r.Check(ctx, r.Want); err != nil {
			return err
		}
	}
	if checker, ok := r.Runtime.(runtime.Checker); ok {
		return checker.Check(ctx, r.Want)
	}
	return nil
}

// unpack unpacks an archive, and looks whether the cluster that is to be reads it.
func (r *Restoration) unpack(ctx context.Context, archive, scratch string) (Unpacked, error) {
	r.voice().Detailf("unpack the backup")
	u, err := Unpack(ctx, archive, scratch, r.Secret)
	if err == nil {
		err = r.readable(u)
	}
	if s := r.Source; s != nil && len(s.Segments) > 0 {
		u.Metadata.Revision, u.Metadata.Time = s.Revision, s.Known
	}
	return u, err
}

// ErrApart is the error of members that would look for their log apart from their data,
// where nothing brings it: they would take themselves for new.
var ErrApart = errors.New("the log comes with the data, and would be looked for elsewhere: leave settings.wal-dir out")

// TogetherIn is an ErrApart for a cluster whose members are given their data and do not
// have the log in its folder.
func TogetherIn(want *cluster.Cluster) error {
	for _, m := range want.Members {
		if dir := m.Settings.Get("wal-dir"); dir != "" {
			return fmt.Errorf("%s has its log in %s: %w", m.Name, dir, ErrApart)
		}
	}
	return nil
}

// TryFill finds out whether the servers of a cluster can be filled, where the runtime
// can tell.
func TryFill(ctx context.Context, r Runtime, want *cluster.Cluster) error {
	if err := TogetherIn(want); err != nil {
		return err
	}
	t, ok := r.(runtime.FillTrier)
	if !ok {
		return nil
	}
	return t.TryFill(ctx, want)
}

func (r *Restoration) voice() Voice { return Voice{r.Tell, r.Detail, r.Warn} }

// ErrVolatile is the error of members that would lose what they are given.
var ErrVolatile = errors.New("data: the members keep theirs in memory, and nothing can be restored into it: leave the key out, or write data: volume")

// ErrUsers is the error of data with users for a cluster that knows nobody by a certificate.
var ErrUsers = errors.New("etcd's users are on in the backup, and without certificates of clients the members would answer nobody here")

func (r *Restoration) readable(u Unpacked) error {
	if r.Want.Data == cluster.Memory {
		return ErrVolatile
	}
	c, err := inspect(u.Snapshot)
	switch {
	case err != nil:
		return err
	case r.Want.Etcd.Minor < c.Reader():
		return &TooOldError{r.Want.Etcd, c.Reader()}
	case c.Users && r.Want.TLS != cluster.Mutual:
		return ErrUsers
	}
	return nil
}

// overfull reports whether a database of this size takes more than the quota of a member.
func (r *Restoration) overfull(size int64) bool {
	return slices.ContainsFunc(r.Want.Members, func(m cluster.Member) bool {
		quota := cluster.Quota(m.Settings.Get("quota-backend-bytes"))
		return quota > 0 && size > quota
	})
}

// consent tells what is there, and asks if there is anything.
func (r *Restoration) consent(ctx context.Context, by Metadata) (There, *runtime.State, error) {
	there, have, err := r.there(ctx, by)
	if err != nil || len(there.Running)+len(there.Data) == 0 {
		return there, have, err
	}
	if r.Consent == nil {
		return there, have, fmt.Errorf("%s: %w", there.Name, ErrNoConsent)
	}
	return there, have, r.Consent(ctx, there)
}

// build makes the data of all members, of one snapshot.
func (r *Restoration) build(ctx context.Context, snapshot, scratch string, seen int64) error {
	var names, urls []string
	for _, m := range r.Want.Members {
		names, urls = append(names, m.Name), append(urls, m.PeerURL())
	}
	r.voice().Tellf("make the data of %s", strings.Join(names, ", "))
	later := nothingLater
	if r.Source != nil {
		later = func(db string) error { return r.Source.replay(ctx, db) }
	}
	if replay := later; r.Shut {
		later = func(db string) error {
			if err := replay(db); err != nil {
				return err
			}
			return shut(db)
		}
	}
	token := r.Want.Name + "-" + strings.ToLower(rand.Text())
	return buildAll(snapshot, filepath.Join(scratch, membersDir), identities(names, urls, token), later, raised{r.Bump, seen})
}

// membersDir has what members start on besides the database.
const membersDir = "members"

// peers are the members as etcd wants to be told them.
func (r *Restoration) peers() []string {
	var all []string
	for _, m := range r.Want.Members {
		all = append(all, m.Name+"="+m.PeerURL())
	}
	return all
}

// existing is the cluster with members that wait for the others, should one ever
// start without its data, instead of founding another cluster.
func (r *Restoration) existing() *cluster.Cluster {
	c := r.Want
	for _, m := range r.Want.Members {
		c = c.Joining(m.Name, r.peers())
	}
	return c
}

func (r *Restoration) wants(name string) bool {
	return slices.ContainsFunc(r.Want.Members, func(m cluster.Member) bool { return m.Name == name })
}

// prove waits for the members, which read all of a database of this size first, drops
// alarms that are not theirs, and compares what they hold.
func (r *Restoration) prove(ctx context.Context, size int64) (int64, error) {
	have, err := r.Runtime.Observe(ctx, r.Want.Name)
	if err != nil {
		return 0, err
	}
	// Machines that are away count as having what they had, and will not come to serve.
	have.Servers = slices.DeleteFunc(have.Servers, func(s runtime.Server) bool { return !r.wants(s.Name) })
	members, done, err := r.Ask(ctx, have)
	if err != nil {
		return 0, err
	}
	defer done()
	r.voice().Detailf("wait until the members serve")
	if err := r.await(members, have, size).Serving(ctx); err != nil {
		return 0, err
	}
	if err := members.Disarm(ctx); err != nil {
		return 0, err
	}
	r.voice().Detailf("compare what they hold")
	h, err := members.Hash(ctx)
	if err == nil && (!h.Same() || len(h.Members) != len(r.Want.Members)) {
		err = fmt.Errorf("%w: %v", ErrDifferent, h.Groups())
	}
	return h.Revision, err
}

// await is the wait for members that start on a database of this size.
func (r *Restoration) await(members *member.Client, have *runtime.State, size int64) converge.Await {
	w := converge.Await{Runtime: r.Runtime, Etcd: members, Have: have, Data: size}
	for _, m := range r.Want.Members {
		w.Servers = append(w.Servers, m.Name)
	}
	w.Reading = func(bytes int64) {
		r.voice().Tellf("wait for members that still read their data, of %d MiB each", bytes>>20)
	}
	return w
}

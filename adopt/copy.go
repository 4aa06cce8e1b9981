package adopt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/scratch"
	"github.com/etcdctr/etcdctr/runtime"
)

// Copying makes members of ours of what those of a stack hold.
type Copying struct {
	Foreign Foreign
	// Ours runs the wanted cluster.
	Ours backup.Runtime
	Want *cluster.Cluster
	// Program is the etcd that carries out what is in the log of the old members,
	// where theirs can't be had. It has to be of their release.
	Program backup.Program
	// Scratch is a folder with room for the data of all members, and for that of
	// the one that is copied twice more.
	Scratch string
	// Restore makes the wanted cluster of an archive.
	Restore func(ctx context.Context, archive string) (backup.Restored, error)
	// Now is when it is done.
	Now time.Time
	// Tell is told what is done; may be nil.
	Tell func(action string)
}

// ErrMinority is the error of members of whom so few are there that others may know
// more.
var ErrMinority = errors.New("the data of most of its members is needed, as any one may lack what was acknowledged last")

// Do stops the members, takes what the one that knows most of them holds, its log
// carried out, and makes the wanted cluster of that: keys, revisions, leases and
// users are as they were, and nothing that was acknowledged is lost. If that fails
// the old members, which are only read, are started again.
func (c *Copying) Do(ctx context.Context) (backup.Restored, error) {
	s, err := c.Foreign.Look(ctx)
	if err != nil {
		return backup.Restored{}, err
	}
	room, remove, err := scratch.Make(c.Scratch, "etcdctr-adopt")
	if err != nil {
		return backup.Restored{}, fmt.Errorf("cannot make a folder for the data: %w", err)
	}
	defer remove()
	if err := c.Ours.Prepare(ctx, c.Want); err != nil {
		return backup.Restored{}, err
	}
	if len(s.Neighbors) > 0 {
		if err := c.Foreign.Bring(ctx, c.Want.Name, s.Neighbors); err != nil {
			return backup.Restored{}, errors.Join(err, c.Foreign.Part(ctx, c.Want.Name))
		}
	}
	restored, err := c.copy(ctx, s, room)
	if err != nil {
		return restored, errors.Join(err, c.back(context.WithoutCancel(ctx), s))
	}
	for _, m := range s.Members {
		if err := c.Foreign.Retire(ctx, c.Want.Name, m); err != nil {
			return restored, err
		}
	}
	return restored, nil
}

func (c *Copying) tell(format string, args ...any) {
	if c.Tell != nil {
		c.Tell(fmt.Sprintf(format, args...))
	}
}

func (c *Copying) copy(ctx context.Context, s *Stack, scratch string) (backup.Restored, error) {
	for _, m := range s.Members {
		if m.Active() {
			c.tell("stop %s, which is adopted", m.Name)
			err := c.Foreign.Stop(context.WithoutCancel(ctx), m, 0) // as runtime.StopAll: it is started again
			if err = cmp.Or(err, ctx.Err()); err != nil {
				return backup.Restored{}, err
			}
		}
	}
	best, dir, err := c.best(ctx, s, scratch)
	if err != nil {
		return backup.Restored{}, err
	}
	archive := filepath.Join(scratch, "adopted.tar.zst")
	if err := c.take(ctx, best, dir, archive); err != nil {
		return backup.Restored{}, err
	}
	return c.Restore(ctx, archive)
}

// best gives the member that knows most, and a copy of its data.
func (c *Copying) best(ctx context.Context, s *Stack, scratch string) (Member, string, error) {
	var holders []backup.Holder
	for _, m := range s.Members {
		holders = append(holders, backup.Holder{Name: m.Name, Files: func(ctx context.Context) (io.ReadCloser, error) { return c.Foreign.Data(ctx, m) }})
	}
	best, err := backup.CopyNewest(ctx, holders, scratch, func(what string) { c.tell("%s", what) })
	if err != nil {
		return Member{}, "", err
	}
	voters := 0
	for _, m := range best.Members {
		if !m.Learner {
			voters++
		}
	}
	i := slices.IndexFunc(s.Members, func(m Member) bool { return m.Name == best.Name })
	if i < 0 || best.Readable <= max(voters, len(s.Members))/2 {
		return Member{}, "", tooFew(best, max(voters, len(s.Members)))
	}
	return s.Members[i], best.Dir, nil
}

// tooFew is ErrMinority of so many members, with what is in the way of those that are there.
func tooFew(best backup.Copied, members int) error {
	err := fmt.Errorf("%w, and that of %d of %d is there", ErrMinority, best.Readable, members)
	if best.Unread != nil {
		err = fmt.Errorf("%w: %w", err, best.Unread)
	}
	return err
}

// take makes an archive of a copy of a member's data, by the etcd that it ran or
// else by the one that is given.
func (c *Copying) take(ctx context.Context, m Member, dir, archive string) error {
	own, err := c.Foreign.Program(ctx, m, filepath.Dir(archive))
	if err != nil {
		return err
	}
	programs := []backup.Program{c.Program}
	if own != "" && !c.Program.Given {
		programs = []backup.Program{{Path: own}, c.Program}
	}
	c.tell("carry out the log of %s", m.Name)
	_, err = backup.TakeFolderBy(ctx, dir, archive, programs, backup.Request{Cluster: c.Want.Name, Time: c.Now})
	return err
}

// back starts members again that were stopped, and none beside those of ours.
func (c *Copying) back(ctx context.Context, s *Stack) error {
	ours, err := c.Ours.Observe(ctx, c.Want.Name)
	if err == nil && ours.Runs() {
		err = c.Ours.Stop(ctx, c.Want.Name, 0)
	}
	if err != nil && !errors.Is(err, runtime.ErrNotFound) {
		return err
	}
	var errs []error
	for _, m := range s.Members {
		if !m.Runs() {
			continue
		}
		c.tell("start %s again", m.Name)
		errs = append(errs, c.Foreign.Start(ctx, m))
	}
	errs = append(errs, c.Foreign.Part(ctx, c.Want.Name))
	return errors.Join(errs...)
}

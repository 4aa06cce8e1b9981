package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/etcdctr/etcdctr/internal/tarfolder"
)

// Holder is a member that does not run and may have data.
type Holder struct {
	Name string
	// Files gives what is in its data directory, as a tar archive.
	Files func(ctx context.Context) (io.ReadCloser, error)
}

// Copied is a copy of the data of the one that knows most of some members.
type Copied struct {
	Name string // empty if nobody's could be read
	Dir  string
	Identity
	// Readable is how many have data that could be read, and Unread why others'
	// could not.
	Readable int
	Unread   error
}

// ErrTwoClusters is the error of members that have data of several clusters.
var ErrTwoClusters = errors.New("their data is of different clusters, and nothing tells which is meant")

// CopyNewest copies the data of members into scratch, one after the other, and
// keeps the copy of the one that knows most: see Identity. Scratch needs room for
// two of them.
func CopyNewest(ctx context.Context, holders []Holder, scratch string, tell func(string)) (Copied, error) {
	var best Copied
	var unread []error
	readable := 0
	for i, h := range holders {
		dir := filepath.Join(scratch, fmt.Sprint(i))
		tell("read the data of " + h.Name)
		who, err := h.copyInto(ctx, dir)
		switch {
		case ctx.Err() != nil:
			return best, ctx.Err()
		case NoRoom(err): // which says nothing of the data, and this may be the newest
			return best, fmt.Errorf("cannot copy the data of %s: %w", h.Name, err)
		case err != nil:
			unread = append(unread, fmt.Errorf("%s: %w", h.Name, err))
			continue
		case best.Name != "" && best.ClusterID != who.ClusterID:
			return best, fmt.Errorf("%s is in %s, %s in %s: %w", best.Name, best.ClusterID, h.Name, who.ClusterID, ErrTwoClusters)
		}
		readable++
		gone := dir
		if best.Name == "" || who.knowsMore(best.Identity) {
			gone, best = best.Dir, Copied{Name: h.Name, Dir: dir, Identity: who}
		}
		if err := os.RemoveAll(gone); gone != "" && err != nil {
			return best, err
		}
	}
	best.Readable, best.Unread = readable, errors.Join(unread...)
	return best, nil
}

// NoRoom tells that something could not be written because the disk is full, or because
// whoever writes may not take more of it.
func NoRoom(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// knowsMore tells whose log raft would prefer.
func (i Identity) knowsMore(than Identity) bool {
	return i.Term > than.Term || i.Term == than.Term && i.Last > than.Last
}

func (h Holder) copyInto(ctx context.Context, dir string) (Identity, error) {
	files, err := h.Files(ctx)
	if err != nil {
		return Identity{}, err
	}
	defer files.Close()
	err = os.MkdirAll(dir, 0o700)
	if err == nil {
		err = tarfolder.Unpack(ctx, dir, files)
	}
	if err != nil {
		return Identity{}, err
	}
	return Identify(dir)
}

// ErrUncommitted is the error of data whose log can't be carried out.
var ErrUncommitted = errors.New("the log holds entries that no program here can carry out: an etcd of the release that wrote it has to be named")

// TakeFolderBy is TakeFolder by the first of several programs that carries all of
// the log out.
func TakeFolderBy(ctx context.Context, dir, path string, programs []Program, r Request) (Metadata, error) {
	var errs []error
	for _, p := range programs {
		made, err := TakeFolder(ctx, dir, path, p, r)
		switch {
		case err == nil && made.Missing == 0:
			return made, nil
		case err == nil:
			err = errors.Join(fmt.Errorf("%w (%d entries)", ErrUncommitted, made.Missing), os.Remove(path))
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return Metadata{}, errors.Join(errs...)
}

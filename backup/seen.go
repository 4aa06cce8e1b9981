package backup

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// A cluster that is restored twice from one archive would be given the same revision
// twice, with other contents in between. So what it has now is asked for: of members
// that run by a question, of others by what they have on disk. What is written between
// that and their end, and what a killed one has in its log only, is far less than what
// the revision is raised by.

// seen is the newest revision that clients of what is replaced may know.
func (r *Restoration) seen(ctx context.Context, have *runtime.State, there There, scratch string) (int64, error) {
	newest := r.Seen
	if r.Bump == 0 || r.Asked {
		return newest, nil
	}
	answers := r.answers(ctx, have)
	for _, name := range there.Data {
		revision, ok := answers[name]
		if s, found := have.Server(name); !ok && found && !s.Active() && s.Status != runtime.Away {
			r.voice().Detailf("read how far %s has come", name)
			var err error
			if revision, err = r.onDisk(ctx, have.Name, name, scratch); ctx.Err() != nil {
				return 0, ctx.Err()
			} else if err != nil {
				r.voice().Warnf("how far %s has come can't be read: %v", name, err)
			}
			ok = err == nil
		}
		if !ok {
			r.voice().Warnf("nobody can say which revision %s has: clients that know it may take what is restored for old", name)
		}
		newest = max(newest, revision)
	}
	return newest, nil
}

// answers are the revisions of those members that answer.
func (r *Restoration) answers(ctx context.Context, have *runtime.State) map[string]int64 {
	all := map[string]int64{}
	view, ok := r.look(ctx, have)
	if !ok {
		return all
	}
	for _, e := range view.Endpoints {
		if e.Answers() {
			all[e.Name] = e.Revision
		}
	}
	return all
}

// look asks the members that run, and tells whether anybody could be asked.
func (r *Restoration) look(ctx context.Context, have *runtime.State) (member.View, bool) {
	if !have.Runs() {
		return member.View{}, false
	}
	members, done, err := r.Ask(ctx, have)
	if err != nil {
		return member.View{}, false
	}
	defer done()
	view, err := members.Look(ctx)
	return view, err == nil
}

// onDisk is the revision of the database of a server that does not run.
func (r *Restoration) onDisk(ctx context.Context, cluster, server, scratch string) (int64, error) {
	files, err := r.Runtime.Files(ctx, cluster, server)
	if err != nil {
		return 0, err
	}
	defer files.Close()
	path := filepath.Join(scratch, "seen.db")
	defer os.Remove(path)
	if err := databaseOf(ctx, files, path); err != nil {
		return 0, err
	}
	c, err := inspect(path)
	return c.Revision, err
}

// databaseOf writes the database in an archive of a data directory into a file.
func databaseOf(ctx context.Context, files io.Reader, to string) error {
	all := tar.NewReader(files)
	for {
		h, err := all.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: there is no database in it", ErrDamaged)
		}
		if err != nil {
			return err
		}
		if strings.HasSuffix("/"+h.Name, "/member/snap/db") {
			return create(to, func(w io.Writer) error {
				_, err := io.Copy(until(ctx, w), all)
				return err
			})
		}
	}
}

// NewestRevision is the newest that the backups of a cluster know, and the changes
// beside them; 0 without any.
func (l Listing) NewestRevision(cluster string) int64 {
	var newest int64
	for _, f := range l.Backups {
		if f.Err == nil && f.Metadata.Cluster == cluster {
			newest = max(newest, f.Metadata.Revision)
		}
	}
	for _, g := range l.Segments {
		if g.Cluster == cluster {
			newest = max(newest, g.Revision)
		}
	}
	return newest
}

// ErrUnknownAge is the error of a time of which nothing says how far the cluster had come.
var ErrUnknownAge = errors.New("no backup, and no change that was kept, is so old")

// Before is the newest revision that a cluster had by a time, as far as backups and the
// changes beside them tell, and when it had it; id tells the cluster from others of its
// name, whose revisions mean something else. ErrUnknownAge says that none is so old.
func (l Listing) Before(id string, at time.Time) (int64, time.Time, error) {
	var revision int64
	var known time.Time
	learn := func(of string, when time.Time, has int64) {
		if of == id && !when.After(at) && has > revision {
			revision, known = has, when
		}
	}
	for _, f := range l.Backups {
		if f.Err == nil {
			learn(f.Metadata.ClusterID, f.Metadata.Time, f.Metadata.Revision)
		}
	}
	for _, g := range l.Segments {
		learn(g.ClusterID, g.Time, g.Revision)
	}
	if revision == 0 {
		return 0, known, fmt.Errorf("which revision it had at %s is not known: %w", at.Format(time.RFC3339), ErrUnknownAge)
	}
	return revision, known, nil
}

package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Found is a file that is, or claims to be, a backup.
type Found struct {
	Path     string // as a user names it
	Bytes    int64  // stored
	Metadata Metadata
	Err      error // why it is none; nothing is known of it then

	name string // in its store
}

// FoundReport is a backup as scripts read it.
type FoundReport struct {
	Path     string   `json:"path"`
	Bytes    int64    `json:"bytes,omitempty"`
	Error    string   `json:"error,omitempty"`
	Metadata Metadata `json:"metadata,omitzero"`
}

// Report gives it for scripts.
func (f Found) Report() FoundReport {
	r := FoundReport{Path: f.Path, Bytes: f.Bytes, Metadata: f.Metadata}
	if f.Err != nil {
		r.Error = f.Err.Error()
	}
	return r
}

// List gives the archives in a store, the newest first, and behind them those
// that can't be read. Of each it reads the end only.
func List(ctx context.Context, s Store) ([]Found, error) {
	stored, err := s.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot list the backups: %w", err)
	}
	var all []Found
	for _, file := range stored {
		if !strings.HasSuffix(file.Name, Extension) {
			continue
		}
		f := Found{Path: s.Place(file.Name), Bytes: file.Bytes, name: file.Name}
		f.Metadata, f.Err = readFrom(ctx, s, file.Name)
		all = append(all, f)
	}
	taken := takenBy(all)
	slices.SortStableFunc(all, func(a, b Found) int {
		return cmp.Or(compareBool(a.Err != nil, b.Err != nil), taken[b.Path].Compare(taken[a.Path]),
			b.Metadata.Time.Compare(a.Metadata.Time), strings.Compare(a.Path, b.Path))
	})
	return all, ctx.Err()
}

// takenBy is when each backup was there at the latest, by its path. That is the time it
// tells, unless a clock was set meanwhile: one that knows less than another of the same
// members was taken before that, and as long before as the two tell, where they do. So those
// of before a clock was set back stay as far from each other as they were, and none takes the
// day of another.
func takenBy(all []Found) map[string]time.Time {
	byRevision := slices.SortedStableFunc(slices.Values(all), func(a, b Found) int {
		return cmp.Or(cmp.Compare(b.Metadata.Revision, a.Metadata.Revision), b.Metadata.Time.Compare(a.Metadata.Time))
	})
	type dated struct{ told, taken time.Time }
	taken, next := map[string]time.Time{}, map[string]dated{}
	for _, f := range byRevision {
		m, members := f.Metadata, f.Metadata.Cluster+" "+f.Metadata.ClusterID
		taken[f.Path] = m.Time
		if m.ClusterID == "" {
			continue
		}
		if after, some := next[members]; some && m.Time.After(after.taken) {
			taken[f.Path] = after.taken.Add(-max(after.told.Sub(m.Time), 1))
		}
		next[members] = dated{m.Time, taken[f.Path]}
	}
	return taken
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// notAfter are those that were not taken after a moment, by what they tell.
func notAfter(all []Found, moment time.Time) []Found {
	return slices.DeleteFunc(slices.Clone(all), func(f Found) bool { return f.Metadata.Time.After(moment) })
}

func readFrom(ctx context.Context, s Store, name string) (Metadata, error) {
	f, err := s.Open(ctx, name)
	if err != nil {
		return Metadata{}, err
	}
	defer f.Close()
	bare, err := isBare(f)
	if err == nil && bare {
		err = ErrNoArchive
	}
	var m Metadata
	if err == nil {
		m, err = readEnd(f, f.Size())
	}
	if err != nil {
		return Metadata{}, fmt.Errorf("cannot read the backup %s: %w", s.Place(name), err)
	}
	return m, nil
}

// Newest is the newest backup of a cluster, and false without any.
func Newest(all []Found, cluster string) (Found, bool) {
	i := slices.IndexFunc(all, func(f Found) bool { return f.Err == nil && f.Metadata.Cluster == cluster })
	if i < 0 {
		return Found{}, false
	}
	return all[i], true
}

// Prunable gives those that no rule keeps, of each cluster by itself, but for the newest of
// each that had its name before: see staying. What can't be read is never one of them:
// somebody may want to save what there is of it.
func Prunable(all []Found, keep Keep, cluster string) []Found {
	var gone []Found
	for _, name := range clusters(all) {
		if cluster != "" && name != cluster {
			continue
		}
		of := ofName(all, name)
		stays := staying(of, keep)
		gone = append(gone, slices.DeleteFunc(of, func(f Found) bool { return stays[f.Path] })...)
	}
	return gone
}

func clusters(all []Found) []string {
	var names []string
	for _, f := range all {
		if f.Err == nil && !slices.Contains(names, f.Metadata.Cluster) {
			names = append(names, f.Metadata.Cluster)
		}
	}
	return names
}

// Delete deletes archives of a store, and the segments that led on from them
// only: all is what List gave.
func Delete(ctx context.Context, s Store, all, gone []Found) error {
	var errs []error
	for _, f := range gone {
		errs = append(errs, s.Delete(ctx, f.name))
	}
	segments, err := Segments(ctx, s)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	kept := slices.DeleteFunc(slices.Clone(all), func(f Found) bool {
		return slices.ContainsFunc(gone, func(g Found) bool { return g.name == f.name })
	})
	for _, g := range segments {
		if slices.Contains(clusters(gone), g.Cluster) && !leadsOn(g, kept) && !begun(g, all) {
			errs = append(errs, s.Delete(ctx, g.name))
		}
	}
	return errors.Join(errs...)
}

// begun tells whether a segment may lead on from a backup that has come since all were
// listed, which is the first of its cluster.
func begun(g Segment, all []Found) bool {
	return !slices.ContainsFunc(all, func(f Found) bool {
		return f.Err == nil && f.Metadata.Cluster == g.Cluster && (f.Metadata.ClusterID == g.ClusterID || f.Metadata.Time.After(g.Time))
	})
}

// leadsOn tells whether a segment is of use to a backup that stays: it holds
// something that came after the oldest of them.
func leadsOn(g Segment, kept []Found) bool {
	return slices.ContainsFunc(kept, func(f Found) bool {
		return f.Err != nil || f.Metadata.Cluster == g.Cluster && f.Metadata.ClusterID == g.ClusterID && g.Revision > f.Metadata.Revision
	})
}

// Pruning is what Prune has deleted, or would.
type Pruning struct {
	Gone   []Found
	Kept   int
	Unread []error // what can't be read, and stays
}

// Prune deletes the archives of a store that no rule keeps, of one cluster or, for no
// name, of all: see Prunable. With dry it only tells which.
func Prune(ctx context.Context, s Store, keep Keep, cluster string, dry bool) (Pruning, error) {
	all, err := List(ctx, s)
	if err != nil {
		return Pruning{}, err
	}
	p := Pruning{Gone: Prunable(all, keep, cluster)}
	p.Kept = len(all) - len(p.Gone)
	for _, f := range all {
		if f.Err != nil {
			p.Unread = append(p.Unread, f.Err)
		}
	}
	if err := ctx.Err(); err != nil || dry {
		return p, err
	}
	return p, Delete(ctx, s, all, p.Gone)
}

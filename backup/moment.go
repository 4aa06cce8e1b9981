package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/etcdctr/etcdctr/internal/option"
	"github.com/etcdctr/etcdctr/member"
)

// Moment is one in the history of a cluster: a revision, or a time. The zero
// Moment is the last that is known.
type Moment struct {
	Revision int64
	Time     time.Time
}

// ReadMoment reads the one that is asked for, at a time in RFC 3339 or at a revision: one of
// them, or none for the zero Moment.
func ReadMoment(at string, revision int64) (Moment, error) {
	if at == "" && revision >= 0 {
		return Moment{Revision: revision}, nil
	}
	if at == "" || revision != 0 {
		return Moment{}, option.Errorf("give %s TIME or %s NUMBER, which is from 1 on, and not both", option.Name("at"), option.Name("revision"))
	}
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return Moment{}, option.Errorf("%s must be a time such as 2026-11-28T12:34:56Z, not %q", option.Name("at"), at)
	}
	return Moment{Time: t}, nil
}

func (m Moment) String() string {
	switch {
	case m.Revision > 0:
		return fmt.Sprintf("revision %d", m.Revision)
	case !m.Time.IsZero():
		return m.Time.Format(time.RFC3339)
	}
	return "the last moment"
}

// Source is what a cluster is brought back from: a whole backup, and what
// happened after it up to a moment.
type Source struct {
	Store    Store
	Backup   Found
	Segments []Segment
	// Revision is the one that it leads to; Known tells up to when it is known
	// that nothing else happened.
	Revision int64
	Known    time.Time
}

// ErrUnknownMoment is the error of a moment that nothing leads to.
var ErrUnknownMoment = errors.New("no backup leads there")

// Find looks for what brings a cluster back as it was at a moment: see Listing.Find.
func Find(ctx context.Context, s Store, cluster string, at Moment) (Source, error) {
	l, err := ListAll(ctx, s)
	if err != nil {
		return Source{}, err
	}
	return l.Find(ctx, cluster, at)
}

// Listing is what a store had when it was looked at: backups, the newest first, and the
// changes between them.
type Listing struct {
	Store    Store
	Backups  []Found
	Segments []Segment
}

// ListAll looks at a store.
func ListAll(ctx context.Context, s Store) (Listing, error) {
	all, err := List(ctx, s)
	if err != nil {
		return Listing{}, err
	}
	segments, err := Segments(ctx, s)
	return Listing{s, all, segments}, err
}

// Find looks for what brings a cluster back as it was at a moment: the backup
// that is nearest before it, and the segments from there on, without a gap. Where
// the store has backups of one cluster only, they are those that are meant.
func (l Listing) Find(ctx context.Context, cluster string, at Moment) (Source, error) {
	cluster = meant(l.Backups, cluster)
	var nearest error
	for _, f := range l.Backups {
		if f.Err != nil || f.Metadata.Cluster != cluster || (!at.Time.IsZero() && f.Metadata.Time.After(at.Time)) ||
			(at.Revision > 0 && f.Metadata.Revision > at.Revision) {
			continue
		}
		source, err := lead(ctx, l.Store, f, l.Segments, at)
		if err == nil {
			return source, nil
		}
		if nearest == nil {
			nearest = err
		}
		if !errors.Is(err, ErrUnknownMoment) {
			return Source{}, err
		}
	}
	if first, some := l.first(cluster); nearest == nil && some {
		nearest = fmt.Errorf("%s of %s in %s: what is known begins at revision %d, %s: %w",
			at, cluster, l.Store.Place(""), first.Revision, first.Time.Format(time.RFC3339), ErrUnknownMoment)
	}
	if nearest == nil {
		nearest = fmt.Errorf("%s of %s in %s: %w", at, cluster, l.Store.Place(""), ErrUnknownMoment)
	}
	return Source{}, nearest
}

// meant is the cluster of a name, or the only one that has backups there.
func meant(all []Found, cluster string) string {
	if names := clusters(all); len(names) == 1 {
		return names[0]
	}
	return cluster
}

// first is what the oldest backup of a cluster says.
func (l Listing) first(cluster string) (oldest Metadata, some bool) {
	for _, f := range l.Backups {
		if f.Err == nil && f.Metadata.Cluster == cluster && (!some || f.Metadata.Time.Before(oldest.Time)) {
			oldest, some = f.Metadata, true
		}
	}
	return oldest, some
}

// NotYet is the error of a moment that is yet to come: the last that is known would be
// taken for it.
func (l Listing) NotYet(ctx context.Context, cluster string, at Moment) error {
	last, err := l.Find(ctx, cluster, Moment{})
	if err != nil {
		return err
	}
	first, _ := l.first(last.Backup.Metadata.Cluster)
	return fmt.Errorf("%s is yet to come: what is known is from %s to %s: %w",
		at, first.Time.Format(time.RFC3339), last.Known.Format(time.RFC3339), ErrUnknownMoment)
}

// lead goes on from a backup to a moment.
func lead(ctx context.Context, s Store, f Found, segments []Segment, at Moment) (Source, error) {
	source := Source{Store: s, Backup: f, Revision: f.Metadata.Revision, Known: f.Metadata.Time}
	for _, g := range segments {
		if g.Cluster != f.Metadata.Cluster || g.ClusterID != f.Metadata.ClusterID || g.Revision <= source.Revision {
			continue
		}
		if at.Revision > 0 && source.Revision >= at.Revision {
			break
		}
		if g.After > source.Revision {
			if at.Revision == 0 && (at.Time.IsZero() || !at.Time.After(source.Known)) {
				break
			}
			return source, fmt.Errorf("%s: of what happened after revision %d, %s, nothing is known until revision %d: %w",
				at, source.Revision, source.Known.Format(time.RFC3339), g.After, ErrUnknownMoment)
		}
		revision, err := within(ctx, s, g, at)
		if err != nil {
			return source, err
		}
		if revision > source.Revision {
			source.Segments, source.Revision = append(source.Segments, g), revision
		}
		source.Known = g.Time
		if revision < g.Revision {
			source.Known = at.Time // the next change came later
			break
		}
	}
	if at.Revision > source.Revision {
		return source, fmt.Errorf("%s: what is known ends at revision %d, %s: %w", at, source.Revision, source.Known.Format(time.RFC3339), ErrUnknownMoment)
	}
	return source, nil
}

// within gives the last revision of a segment up to a moment; 0 when it begins
// later.
func within(ctx context.Context, s Store, g Segment, at Moment) (int64, error) {
	switch {
	case at.Revision > 0:
		return min(g.Revision, at.Revision), nil
	case at.Time.IsZero() || !g.Time.After(at.Time):
		return g.Revision, nil
	}
	var last int64
	err := readSegment(ctx, s, g, func(b batch) error {
		if !b.Time.After(at.Time) && len(b.Events) > 0 {
			last = b.Events[len(b.Events)-1].Revision
		}
		return nil
	})
	return last, err
}

// changes calls do with all that leads from the backup to the moment.
func (s Source) changes(ctx context.Context, do func(batch) error) error {
	after := s.Backup.Metadata.Revision
	for _, g := range s.Segments {
		err := readSegment(ctx, s.Store, g, func(b batch) error {
			b.Events = slices.DeleteFunc(b.Events, func(e member.Event) bool { return e.Revision <= after || e.Revision > s.Revision })
			if len(b.Events) == 0 {
				return nil
			}
			after = b.Events[len(b.Events)-1].Revision
			return do(b)
		})
		if err != nil {
			return err
		}
	}
	if after != s.Revision {
		return fmt.Errorf("%w: the changes end at revision %d, and ought to at %d", ErrDamaged, after, s.Revision)
	}
	return nil
}

package backup

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/etcdctr/etcdctr/member"
)

// Segment is a file with all that happened in a cluster between two revisions:
// lines of JSON, one for what arrived at once, compressed with zstd. Its name says
// all that is here.
type Segment struct {
	Cluster   string
	ClusterID string // hexadecimal, as etcd writes it
	// After is the last revision that is not in it, Revision the last that is.
	After, Revision int64
	// Time is when its last event had arrived.
	Time time.Time

	name string // in its store
}

// segmentTime is a time in the name of a segment: they sort by it.
const segmentTime = "20060102T150405.000Z"

var segmentName = regexp.MustCompile(`^(.+)-(\d{8}T\d{6}\.\d{3}Z)-([0-9a-f]+)-(\d+)-(\d+)\.events\.zst$`)

func (g Segment) fileName() string {
	return fmt.Sprintf("%s-%s-%s-%d-%d.events.zst", g.Cluster, g.Time.UTC().Format(segmentTime), g.ClusterID, g.After, g.Revision)
}

func parseSegment(name string) (Segment, bool) {
	match := segmentName.FindStringSubmatch(name)
	if match == nil {
		return Segment{}, false
	}
	at, errTime := time.Parse(segmentTime, match[2])
	after, errAfter := strconv.ParseInt(match[4], 10, 64)
	revision, errRevision := strconv.ParseInt(match[5], 10, 64)
	g := Segment{Cluster: match[1], ClusterID: match[3], After: after, Revision: revision, Time: at, name: name}
	return g, errors.Join(errTime, errAfter, errRevision) == nil
}

// Segments gives those in a store, in the order of their revisions.
func Segments(ctx context.Context, s Store) ([]Segment, error) {
	stored, err := s.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot list the segments: %w", err)
	}
	var all []Segment
	for _, file := range stored {
		if g, ok := parseSegment(file.Name); ok {
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(a, b Segment) int {
		return cmp.Or(cmp.Compare(a.After, b.After), cmp.Compare(a.Revision, b.Revision))
	})
	setRight(all)
	return all, nil
}

// setRight gives segments that a clock which was ahead has dated the time of what came
// after them: it was there by then.
func setRight(all []Segment) {
	next := map[string]time.Time{}
	for i := range slices.Backward(all) {
		g, members := &all[i], all[i].Cluster+" "+all[i].ClusterID
		g.Time = earlier(g.Time, next[members])
		next[members] = g.Time
	}
}

// batch is a line of a segment: what arrived at once.
type batch struct {
	Time   time.Time      `json:"time"`
	Events []member.Event `json:"events"`
	// TTLs are for how many seconds leases were granted that are first seen here,
	// by their ID in decimal digits.
	TTLs map[int64]int64 `json:"ttls,omitempty"`
}

// writeSegment writes a segment with what arrived, encrypted where there is a seal.
func writeSegment(ctx context.Context, s Store, g Segment, all []batch, seal *Seal) error {
	err := s.Write(ctx, g.fileName(), func(w archiveFile) error {
		if !seal.encrypts() {
			return encodeBatches(w, all)
		}
		recipients, err := seal.recipients()
		if err != nil {
			return err
		}
		sealed, err := age.Encrypt(w, recipients...)
		if err != nil {
			return err
		}
		return errors.Join(encodeBatches(sealed, all), sealed.Close())
	})
	if err != nil {
		return fmt.Errorf("cannot keep the changes up to revision %d: %w", g.Revision, err)
	}
	return nil
}

func encodeBatches(w io.Writer, all []batch) error {
	zip, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(frameBytes))
	if err != nil {
		return err
	}
	lines := json.NewEncoder(zip)
	for _, b := range all {
		if err := lines.Encode(b); err != nil {
			return errors.Join(err, zip.Close())
		}
	}
	return zip.Close()
}

// readSegment calls do with each line of a segment.
func readSegment(ctx context.Context, s Store, g Segment, do func(batch) error) error {
	f, err := s.Open(ctx, g.name)
	if err != nil {
		return err
	}
	defer f.Close()
	zip, err := unzip(bufio.NewReaderSize(io.NewSectionReader(f, 0, f.Size()), frameBytes), 1)
	if err != nil {
		return err
	}
	defer zip.Close()
	lines := json.NewDecoder(zip)
	for {
		var b batch
		err := lines.Decode(&b)
		if errors.Is(err, io.EOF) {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.Place(g.name), errors.Join(ErrDamaged, err))
		}
		if err := do(b); err != nil {
			return err
		}
	}
}

package health

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// digest is a member's hash of all it holds at one revision.
type digest struct {
	asked bool
	hash  uint32
	of    span
	err   error
}

// span is what a hash is of: hashes of two spans can't be compared.
type span struct{ compacted, revision int64 }

// compareData has every member that answers hash all its data up to one revision
// that all of them have. It reads the whole database, so it is done on demand.
//
// For the revision of a compaction a member gives the hash of what was there before, if
// it has not started since, and else of what is left: then each is asked for what it has
// now, which is one span while nobody writes.
func (c Cluster) compareData(ctx context.Context, answers []answer) {
	for range comparisons {
		for _, revision := range []int64{commonRevision(answers), newest} {
			if c.takeDigests(ctx, answers, revision); len(spans(answers)) < 2 {
				return
			}
		}
	}
}

// newest has a member hash all that it has at that moment.
const newest = 0

// comparisons is how often members are asked that have not carried out the same
// compaction yet, in either way.
const comparisons = 3

func (c Cluster) takeDigests(ctx context.Context, answers []answer, revision int64) {
	var all sync.WaitGroup
	for i := range answers {
		if answers[i].err == nil {
			all.Go(func() { answers[i].digest = c.digest(ctx, answers[i].member, revision) })
		}
	}
	all.Wait()
}

// commonRevision is the newest that all have who answer.
func commonRevision(answers []answer) int64 {
	var least int64
	for _, a := range answers {
		if a.err == nil && (least == 0 || a.status.Header.Revision < least) {
			least = a.status.Header.Revision
		}
	}
	return least
}

func (c Cluster) digest(ctx context.Context, m Member, revision int64) digest {
	ctx, cancel := context.WithTimeout(ctx, deepPatience*c.Timeout)
	defer cancel()
	client, err := c.client(ctx, m)
	if err != nil {
		return digest{asked: true, err: err}
	}
	defer client.Close()
	r, err := client.HashKV(ctx, m.ClientURL, revision)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("%w within %s: a longer --timeout gives it more", errNotHashed, deepPatience*c.Timeout)
	}
	if err != nil {
		return digest{asked: true, err: err}
	}
	return digest{asked: true, hash: r.Hash, of: span{r.CompactRevision, cmp.Or(revision, r.Header.GetRevision())}}
}

var errNotHashed = errors.New("it has not hashed all that it holds")

// deepPatience is how many times longer than anything else a member may take
// to hash all it has.
const deepPatience = 12

// spans are what the members' hashes are of.
func spans(answers []answer) map[span]bool {
	all := map[span]bool{}
	for _, a := range answers {
		if a.err == nil && a.digest.asked && a.digest.err == nil {
			all[a.digest.of] = true
		}
	}
	return all
}

// sameData compares the digests. Those of members that have compacted up to
// different revisions are of different things: a compaction takes a moment to
// reach all of them. What was asked for and could not be compared is a failure, but of
// a learner, which etcd may not let tell.
func (v *verdict) sameData() {
	byHash := map[string][]string{}
	for _, a := range v.answered() {
		switch d := a.digest; {
		case !d.asked:
		case d.err != nil && a.status.IsLearner:
			v.warnings.add(a.member.Name, "its data was not compared, as it is a learner: %v", d.err)
		case d.err != nil:
			v.failures.add(a.member.Name, "its data was not compared: %v", d.err)
		default:
			byHash[fmt.Sprintf("%08x", d.hash)] = append(byHash[fmt.Sprintf("%08x", d.hash)], a.member.Name)
		}
	}
	if len(spans(v.answers)) > 1 {
		v.failures.add("", "the data was not compared, because they have not all carried out the same compaction, or are written to all the time: ask again")
		return
	}
	if len(byHash) < 2 {
		return
	}
	var parts []string
	for hash, names := range byHash {
		parts = append(parts, fmt.Sprintf("%s have %s", strings.Join(names, ", "), hash))
	}
	slices.Sort(parts)
	v.failures.add("", "members of one cluster hold different data (%s): save a snapshot of each, and keep all of it until it is known which is right",
		strings.Join(parts, "; "))
}

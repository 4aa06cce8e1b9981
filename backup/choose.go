package backup

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/member"
)

// inStep is how many raft entries a member may be behind: under load the answers
// of two members are some hundred apart.
const inStep = 1000

// ErrNobody is the error of a cluster of which no member gives its data.
var ErrNobody = errors.New("no member answers that could give its data")

// Choose picks the member that a snapshot costs least: a follower that is in
// step, else the leader. Never a learner, never one that lags or whose data is
// known to be corrupt. Of a cluster without a quorum it is the member that knows
// most, whoever that is: it gives its data as long as it is not restarted. Where members of
// several clusters answer it is a member.ErrSeveralClusters: none of them stands for the others.
func Choose(v member.View) (string, error) { return chooseBut(v, nil) }

// chooseBut is Choose that takes none of some, unless there is no other.
func chooseBut(v member.View, gone []string) (string, error) {
	if name, err := choose(v, gone); err == nil || len(gone) == 0 {
		return name, err
	}
	return choose(v, nil)
}

func choose(v member.View, gone []string) (string, error) {
	if err := v.OneCluster(); err != nil {
		return "", err
	}
	corrupt := map[member.ID]bool{}
	for _, a := range v.Alarms() {
		corrupt[a.Member] = corrupt[a.Member] || a.Kind == member.Corrupt
	}
	for _, f := range v.Followers() {
		if behind, ok := v.Behind(f.Name); ok && behind <= inStep && !corrupt[f.ID] && !slices.Contains(gone, f.Name) {
			return f.Name, nil
		}
	}
	if leader, ok := v.Leader(); ok && !corrupt[leader.ID] {
		for _, e := range v.Endpoints {
			if e.ID == leader.ID && e.Answers() && !slices.Contains(gone, e.Name) {
				return e.Name, nil
			}
		}
	}
	for _, e := range Survivors(v) {
		if !v.Quorum() && !slices.Contains(gone, e.Name) {
			return e.Name, nil
		}
	}
	err := fmt.Errorf("%w: %s", ErrNobody, strings.Join(silences(v), "; "))
	if slices.ContainsFunc(v.Endpoints, func(e member.Endpoint) bool { return e.Trouble == member.Denied }) {
		err = fmt.Errorf("%w: %w", member.ErrDenied, err)
	}
	return "", err
}

// Survivors are the members that still tell their status, the one that knows
// most first: by what they have carried out, voters before learners.
func Survivors(v member.View) []member.Endpoint {
	all := slices.DeleteFunc(slices.Clone(v.Endpoints), func(e member.Endpoint) bool { return !e.Answers() })
	slices.SortFunc(all, func(a, b member.Endpoint) int {
		return cmp.Or(
			cmp.Compare(b.Revision, a.Revision), cmp.Compare(b.Applied, a.Applied),
			compareBool(a.Learner, b.Learner), cmp.Compare(a.Name, b.Name),
		)
	})
	return all
}

// compareBool puts what is not so first.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func silences(v member.View) []string {
	var all []string
	for _, e := range v.Endpoints {
		switch {
		case e.Trouble == member.Other:
			all = append(all, fmt.Sprintf("%s: %s", e.Name, e.Details))
		case !e.Answers():
			all = append(all, fmt.Sprintf("%s is %s", e.Name, e.Trouble))
		case !v.IsMember(e):
			all = append(all, fmt.Sprintf("%s answers, and is none of the members that it names, as a grpc-proxy is none", e.Name))
		default:
			all = append(all, fmt.Sprintf("%s answers, and lags or holds corrupt data", e.Name))
		}
	}
	return all
}

package adopt

import (
	"errors"
	"fmt"
	"slices"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
)

// Way is how members are adopted.
type Way string

// The ways.
const (
	// Join: members of ours join the cluster, and those that are there leave it,
	// one at a time. Clients that know the new members notice nothing.
	Join Way = "members join, and the old ones leave"
	// InPlace: each member goes on in a server of ours, with its data.
	InPlace Way = "each member goes on with its data"
	// Copy: all members are stopped, and new ones are made of what they hold.
	Copy Way = "all members are stopped, and new ones are made of their data"
)

// Choose says which way leads from a stack to the wanted cluster, and why not
// another one that would interrupt less.
func Choose(s *Stack, want *cluster.Cluster) (Way, string) {
	if why := otherTLS(s, want); why != "" {
		return Copy, why
	}
	if inPlace(s, want) {
		return InPlace, ""
	}
	if why := cannotMeet(s, want); why != "" {
		return Copy, why
	}
	return Join, ""
}

// ErrVanishes is the error of stopping a member that its engine removes then, before
// what it holds is taken from it.
var ErrVanishes = errors.New("its container is removed as soon as it stops (docker run --rm), with what it holds")

// ErrV2 is the error of copying members with the API v2: a backup has none of its keys.
var ErrV2 = errors.New("it has keys of the API v2 (enable-v2), which are in no backup, and would not be there then")

// lossless refuses a way on which something would be lost.
func (s *Stack) lossless(way Way, want *cluster.Cluster) error {
	if way == Join {
		return nil
	}
	if err := backup.TogetherIn(want); err != nil {
		return err
	}
	for _, m := range s.Members {
		if way == Copy && (m.HoldsV2 || m.Settings.Get("enable-v2") == "true") {
			return fmt.Errorf("%s: %w: if nobody needs them any more, %s; or adopt it as it is with --etcd 3.5, "+
				"plain members while they run, as then each goes on with its data or new ones join", m.Name, ErrV2, cluster.WithoutV2)
		}
		if m.vanishes {
			return fmt.Errorf("%s: %w: bring it into a new cluster by `etcdctr backup --endpoints` and `etcdctr restore`; "+
				"or, where its data is in a volume or folder that has a name, start it anew on that without --rm first", m.Name, ErrVanishes)
		}
	}
	return nil
}

// otherTLS tells why members of both can't talk to each other.
func otherTLS(s *Stack, want *cluster.Cluster) string {
	for _, m := range s.Members {
		if m.Encrypted() {
			return fmt.Sprintf("%s talks TLS, with certificates of others", m.Name)
		}
	}
	if want.TLS != cluster.NoTLS {
		return fmt.Sprintf("the members talk plain text, and tls: %s is wanted", want.TLS)
	}
	return ""
}

// inPlace tells whether each member can be exchanged for one of ours that has its
// name and its data, while the others find it where it was. One that has no
// others may be found anywhere.
func inPlace(s *Stack, want *cluster.Cluster) bool {
	for _, m := range s.Members {
		i := slices.IndexFunc(want.Members, func(w cluster.Member) bool { return w.Name == m.Name })
		if i < 0 || len(s.Members) > 1 && want.Members[i].PeerURL() != m.PeerURL() {
			return false
		}
	}
	return true
}

// cannotMeet tells why members of ours can't join.
func cannotMeet(s *Stack, want *cluster.Cluster) string {
	if !s.Runs() {
		return "no member runs"
	}
	for _, m := range s.Members {
		switch {
		case s.Runtime != want.Runtime && s.Runtime != "":
			return fmt.Sprintf("the members are not on the runtime %s", want.Runtime)
		case m.Apart != "":
			return m.Name + ": " + m.Apart
		}
		for _, w := range want.Members {
			if s.Runtime == cluster.Docker && slices.Contains(m.Hosts, w.Name) || w.Name == m.Name {
				return fmt.Sprintf("%s is the name of a member and of its successor: others could not tell them apart", w.Name)
			}
		}
	}
	return ""
}

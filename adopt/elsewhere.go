package adopt

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/listed"
	"github.com/etcdctr/etcdctr/member"
)

// ErrElsewhere is the error of a cluster that has members which are not among those
// that are to be adopted, on other machines for example: who adopts some of a
// cluster's members leaves it without a quorum, or makes two of it.
var ErrElsewhere = errors.New("a cluster is adopted with all its members")

// elsewhere looks for members that the cluster counts and that are not here. Those
// that run are asked; what can't be asked is believed what it was told at its start.
func (a *Adoption) elsewhere(ctx context.Context, s *Stack, want *cluster.Cluster) error {
	var missing []string
	if counted := a.counted(ctx, s); counted != nil {
		for _, m := range counted {
			if !s.has(m) && !ours(want, m) {
				missing = append(missing, fmt.Sprintf("%s at %s", orNameless(m.Name), listed.And(m.PeerURLs)))
			}
		}
	} else if s.Runs() {
		missing = s.toldOf()
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %s of the cluster is not here: %w", s.Name, strings.Join(missing, ", "), ErrElsewhere)
}

func orNameless(name string) string {
	if name == "" {
		return "a member that has never started"
	}
	return name
}

// counted are the members as a quorum of them counts them; nil if nobody says.
func (a *Adoption) counted(ctx context.Context, s *Stack) []member.Member {
	if !s.Runs() {
		return nil
	}
	var view member.View
	err := a.Cluster.WithMembers(ctx, func(c *member.Client) (err error) {
		view, err = c.Look(ctx)
		return err
	})
	if err != nil || !view.Quorum() {
		return nil
	}
	return view.Members
}

// has tells whether a member is one of the stack's.
func (s *Stack) has(m member.Member) bool {
	return slices.ContainsFunc(s.Members, func(o Member) bool {
		return m.Name == o.Name || m.Name == "" && slices.Contains(m.PeerURLs, o.PeerURL())
	})
}

// ours tells whether a member is one that is to be in its place, and may be already.
func ours(want *cluster.Cluster, m member.Member) bool {
	return slices.ContainsFunc(want.Members, func(w cluster.Member) bool { return slices.Contains(m.PeerURLs, w.PeerURL()) })
}

// toldOf are those that the members were told of and that are not here.
func (s *Stack) toldOf() []string {
	var missing []string
	for _, m := range s.Members {
		for _, one := range strings.Split(m.Settings.Get("initial-cluster"), ",") {
			name, at, _ := strings.Cut(one, "=")
			u, err := url.Parse(at)
			if err != nil || u.Host == "" || slices.ContainsFunc(s.Members, func(o Member) bool { return o.Name == name }) {
				continue
			}
			if text := name + " at " + at; !slices.Contains(missing, text) {
				missing = append(missing, text)
			}
		}
	}
	return missing
}

package lint

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/etcdctr/etcdctr/internal/listed"
)

// alikeRules are about what has to be the same for all members of a cluster, and what must not.
var alikeRules = []Rule{
	{
		ID: "token-differs", Severity: Error,
		Title:  "members of one cluster have different tokens",
		Why:    "the cluster's ID is made of the token too: a member with another one is refused by the others, which is cluster ID mismatch in their logs",
		Source: docsClustering + "#static, and a run of each release",
		Bad:    "  etcd1:\n    environment: {ETCD_INITIAL_CLUSTER_TOKEN: orders}\n  etcd2:\n    command: etcd --initial-cluster-token shop …",
		Good:   "  etcd1:\n    environment: {ETCD_INITIAL_CLUSTER_TOKEN: orders}\n  etcd2:\n    command: etcd --initial-cluster-token orders …",
		check:  checkTokensDiffer,
	},
	{
		ID: "release-differs", Severity: Error,
		Title:  "the releases of one cluster's members are more than a minor apart",
		Why:    "an upgrade goes one minor at a time: beside a member that is two older the newer one ends, and does not start again",
		Source: "https://etcd.io/docs/v3.6/upgrades/ and a run of each release",
		Bad:    "  etcd1:\n    image: quay.io/coreos/etcd:v3.5.35\n  etcd2:\n    image: quay.io/coreos/etcd:v3.7.3",
		Good:   "  etcd1:\n    image: quay.io/coreos/etcd:v3.5.35\n  etcd2:\n    image: quay.io/coreos/etcd:v3.6.16",
		check:  checkReleasesDiffer,
	},
	{
		ID: "name-twice", Severity: Warning,
		Title:  "several members of one cluster have the same name",
		Why:    "a member looks up its own URL in initial-cluster by its name: the one whose name is another's finds that one's URL, and does not start",
		Source: docsClustering + "#static",
		Bad:    "  etcd1:\n    command: etcd --name etcd1 …\n  etcd2:\n    command: etcd --name etcd1 …",
		Good:   "  etcd1:\n    command: etcd --name etcd1 …\n  etcd2:\n    command: etcd --name etcd2 …",
		check:  checkNamesTwice,
	},
}

// alike is what the fixes of one cluster's members share that have to be made at all of
// them or at none: members that are told the same in different ways are put right together,
// or they were one cluster only before.
type alike struct{ broken bool }

// keepAlike takes the fixes back that could not be made at all members.
func keepAlike(findings []Finding) {
	for _, f := range findings {
		if f.alike != nil && !f.Fixable {
			f.alike.broken = true
		}
	}
	for i := range findings {
		if f := &findings[i]; f.alike != nil && f.alike.broken {
			f.Fixable, f.Cuts = false, ""
		}
	}
}

// defaultToken is etcd's own, where none is given.
const defaultToken = "etcd-cluster"

// token is what a member makes the cluster's ID of. It is none for one that learns the ID
// from the others, and where it is known only when the member runs.
func (m *Member) token() (string, bool) {
	token := cmp.Or(m.get("initial-cluster-token"), defaultToken)
	return token, !m.meetsElsewhere() && m.get("initial-cluster-state") != "existing" && !unknown(token) && !m.scripted()
}

// differentTokens are the tokens of a cluster's members, each once, in their order.
func differentTokens(group []*Member) []string {
	var all []string
	for _, m := range group {
		if token, ok := m.token(); ok && !slices.Contains(all, token) {
			all = append(all, token)
		}
	}
	return all
}

func checkTokensDiffer(s *Stack, r *reporter) {
	for _, group := range s.clusters() {
		tokens := differentTokens(group)
		if len(tokens) < 2 {
			continue
		}
		for _, m := range group {
			if token, ok := m.token(); ok {
				r.in(m, found{
					at: m.at("initial-cluster-token"), message: fmt.Sprintf("its cluster token is %s, and its cluster's members have %s", token, listed.And(tokens)),
					remedy: "give all members the same initial-cluster-token: members that hold data already keep the one that they were founded with",
				})
			}
		}
	}
}

func checkReleasesDiffer(s *Stack, r *reporter) {
	for _, group := range s.clusters() {
		oldest, newest := releasesOf(group)
		if oldest == nil || oldest.Release.Minor+1 >= newest.Release.Minor {
			continue
		}
		r.in(newest, found{
			at: newest.imageAt(), message: fmt.Sprintf("it is etcd %s, and %s of its cluster is %s", newest.Release, oldest.Service, oldest.Release),
			remedy: fmt.Sprintf("give all members one release: the way to v3.%d goes by v3.%d, a member at a time", newest.Release.Minor, oldest.Release.Minor+1),
		})
	}
}

// releasesOf gives the members of a cluster with the oldest and the newest release of etcd 3.
func releasesOf(group []*Member) (oldest, newest *Member) {
	for _, m := range group {
		if !m.Release.Known || m.Release.Major != 3 {
			continue
		}
		if oldest == nil || m.Release.Minor < oldest.Release.Minor {
			oldest = m
		}
		if newest == nil || m.Release.Minor > newest.Release.Minor {
			newest = m
		}
	}
	return oldest, newest
}

func checkNamesTwice(s *Stack, r *reporter) {
	for _, group := range s.clusters() {
		named := map[string]*Member{}
		for _, m := range group {
			name := m.get("name")
			first, twice := named[name]
			switch {
			case name == "" || unknown(name) || m.scripted():
			case !twice:
				named[name] = m
			default:
				r.in(m, found{
					at: m.at("name"), message: fmt.Sprintf("its name is %s, which is that of %s, too", name, first.Service),
					remedy: "give each member the name by which initial-cluster lists its URL",
				})
			}
		}
	}
}

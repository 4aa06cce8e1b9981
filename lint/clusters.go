package lint

import (
	"fmt"
	"slices"
	"strings"
)

// This file groups members into clusters by what they say of each other.

// containerOf gives the container that others of the stack reach by a name.
func (s *Stack) containerOf(host string) *Container {
	if s.names == nil {
		s.names = map[string]*Container{}
		for _, c := range s.Containers {
			for _, n := range c.Names {
				s.names[n] = c
			}
		}
	}
	return s.names[host]
}

// clusters gives the members that are of one cluster together.
func (s *Stack) clusters() [][]*Member {
	if s.groups == nil {
		s.groups = group(s)
	}
	return s.groups
}

func group(s *Stack) [][]*Member {
	g := newGroups(len(s.Members))
	byURL, byContainer, byMeeting := map[string]int{}, map[*Container]int{}, map[string]int{}
	for i, m := range s.Members {
		if own := m.get("initial-advertise-peer-urls"); own != "" && !unknown(own) {
			byURL[own] = i
		}
		if m.Container != nil {
			byContainer[m.Container] = i
		}
		for _, at := range m.meetings() {
			if first, ok := byMeeting[at]; ok {
				g.join(first, i)
			}
			byMeeting[at] = i
		}
	}
	for i, m := range s.Members {
		for _, p := range m.initialCluster() {
			if j, ok := byURL[p.url]; ok {
				g.join(i, j)
			}
			if j, ok := byContainer[s.containerAt(p.url)]; ok {
				g.join(i, j)
			}
		}
	}
	return g.collect(s.Members)
}

// containerAt gives the container that a URL leads to.
func (s *Stack) containerAt(address string) *Container {
	for _, u := range readURLs(address) {
		if c := s.containerOf(u.Hostname()); c != nil {
			return c
		}
	}
	return nil
}

// collect gives the members of each group, in their order.
func (g groups) collect(members []*Member) [][]*Member {
	var out [][]*Member
	at := map[int]int{}
	for i, m := range members {
		root := g.find(i)
		if _, ok := at[root]; !ok {
			at[root] = len(out)
			out = append(out, nil)
		}
		out[at[root]] = append(out[at[root]], m)
	}
	return out
}

// meetings are where a member meets its peers otherwise than by a list.
func (m *Member) meetings() []string {
	var out []string
	for _, name := range []string{"discovery", "discovery-token", "discovery-srv"} {
		if v := m.get(name); v != "" {
			out = append(out, name+" "+v)
		}
	}
	return out
}

// groups is a union of what was found to belong together.
type groups []int

func newGroups(n int) groups {
	g := make(groups, n)
	for i := range g {
		g[i] = i
	}
	return g
}

func (g groups) find(i int) int {
	for g[i] != i {
		g[i] = g[g[i]]
		i = g[i]
	}
	return i
}

func (g groups) join(i, j int) { g[g.find(j)] = g.find(i) }

func checkInitialClusterMissing(s *Stack, r *reporter) {
	for _, m := range s.Members {
		if m.mentions("initial-cluster") || m.meetsElsewhere() || m.get("initial-cluster-state") == "existing" || m.scripted() {
			continue
		}
		listing := s.founders(m)
		if len(listing) == 0 {
			continue
		}
		list := listing[0].get("initial-cluster")
		f := found{
			message: fmt.Sprintf("it has no initial-cluster, and is in that of %s", others(listing, nil)),
			remedy:  "set initial-cluster to what the others have: " + list,
		}
		switch own := m.get("initial-advertise-peer-urls"); {
		case m.get("name") == "" && own != "":
			// etcd makes the default of the name, and looks for the one that it has without
			f.severity, f.why = Warning, "etcd's default lists a member default on localhost, which this one does not advertise: it does not start"
			f.remedy = "set name and initial-cluster as the others list them: " + list
		case m.get("name") == "":
			f.remedy = "set name, initial-advertise-peer-urls and initial-cluster as the others list them: " + list
		case !slices.Contains(listing[0].initialCluster(), peer{m.name(), own}):
			f.remedy = "set initial-cluster to what the others have, and name and initial-advertise-peer-urls as it lists them: " + list
		case sameLists(listing) && !s.sharesEnvironment(m):
			f.fix = m.adding([2]string{"initial-cluster", list})
		}
		r.in(m, f)
	}
}

// mentions tells whether a setting is given in some way, be it a wrong one, or one whose
// value is known only where the container is started.
func (m *Member) mentions(name string) bool {
	return m.has(name) || m.Container != nil && slices.ContainsFunc(m.Container.Variables, func(v *variable) bool {
		written, _, _ := strings.Cut(v.name, ":")
		return written == variableOf(name)
	})
}

// scripted tells whether a script that can't be read here comes between a container and
// etcd: it may well say who the members are.
func (m *Member) scripted() bool {
	if m.Container == nil {
		return false
	}
	words := slices.Concat(m.Container.Entrypoint, m.Container.Command)
	return len(throughWrappers(words)) < len(words)
}

// founders are the other members that list a member among those that they found a cluster
// with. A member that joins later lists the first one too, which founded it alone.
func (s *Stack) founders(m *Member) []*Member {
	var out []*Member
	for _, other := range s.Members {
		if other != m && other.get("initial-cluster-state") != "existing" && slices.ContainsFunc(other.initialCluster(), func(p peer) bool { return s.isMember(p, m) }) {
			out = append(out, other)
		}
	}
	return out
}

// isMember tells whether an entry of an initial cluster is a member: it leads there, or has
// its name and leads to nobody else here.
func (s *Stack) isMember(p peer, m *Member) bool {
	if c := s.containerAt(p.url); c != nil {
		return c == m.Container
	}
	if i := slices.IndexFunc(s.Members, func(o *Member) bool { return sameURL(o.get("initial-advertise-peer-urls"), p.url) }); i >= 0 {
		return s.Members[i] == m
	}
	return m.get("name") == p.name
}

func sameLists(members []*Member) bool {
	return !slices.ContainsFunc(members, func(m *Member) bool { return !sameList(m.initialCluster(), members[0].initialCluster()) })
}

// sharesEnvironment tells whether what is added to a member's environment is in that of
// another one, too.
func (s *Stack) sharesEnvironment(m *Member) bool {
	mine := m.host.environment.parts()
	return len(mine) > 0 && slices.ContainsFunc(s.Members, func(o *Member) bool {
		return o != m && slices.Contains(o.host.environment.parts(), mine[len(mine)-1])
	})
}

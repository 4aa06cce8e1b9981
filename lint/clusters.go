package lint

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

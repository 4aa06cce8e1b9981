package cluster

import (
	"slices"
	"strings"
)

// AsStarted gives the cluster with the members that have been started before as
// they were started: settings that etcd reads at a member's first start only
// are taken from started, by member. Such a setting makes no difference to a
// member that has data, so the change of one must not replace the member, and
// whoever renders the cluster again, Docker Compose included, finds nothing to
// do.
func (c *Cluster) AsStarted(started map[string]Settings) *Cluster {
	if c.anew {
		return c
	}
	as := *c
	if as.described == nil {
		as.described = settingsOf(c.Members)
	}
	as.Members = slices.Clone(c.Members)
	for i, m := range as.Members {
		if was, ok := started[m.Name]; ok {
			as.Members[i].Settings = m.Settings.foundedAs(was)
		}
	}
	return &as
}

// Anew gives the cluster as it is founded where no member has data, whatever servers
// that are there were started by: members that have joined one, or that came of a backup,
// wait for others, and would wait for each other. AsStarted leaves it as it is.
func (c *Cluster) Anew() *Cluster {
	anew := *c.AsStarted(c.described)
	anew.anew = true
	return &anew
}

// Founding gives the cluster as a file says it that others start it by, again and again:
// members that were all told of each other and wait for each other, as those do that came
// of a backup, would come to nothing without their data, and found a cluster instead. To
// members that have their data it makes no difference.
func (c *Cluster) Founding() *Cluster {
	told := map[string]int{}
	for _, m := range c.Members {
		told[m.Settings.waitsFor()]++
	}
	as := *c
	as.Members = slices.Clone(c.Members)
	for i, m := range as.Members {
		if all := m.Settings.waitsFor(); all != "" && told[all] == strings.Count(all, ",")+1 {
			as.Members[i].Settings = m.Settings.with(Setting{"initial-cluster-state", "new"})
		}
	}
	return &as
}

// waitsFor is the initial cluster of a member that waits for it; empty for one that founds it.
func (s Settings) waitsFor() string {
	if s.Get("initial-cluster-state") != "existing" {
		return ""
	}
	return s.Get("initial-cluster")
}

// with gives the settings with another value of one that they have.
func (s Settings) with(x Setting) Settings {
	s = slices.Clone(s)
	for i := range s {
		if s[i].Name == x.Name {
			s[i] = x
		}
	}
	return s
}

func settingsOf(members []Member) map[string]Settings {
	all := map[string]Settings{}
	for _, m := range members {
		all[m.Name] = m.Settings
	}
	return all
}

// Joining gives the cluster with one of its members as it has to be started to
// join a cluster that exists: etcd demands the members that the cluster counts
// at that moment, the new one included, as name=peerURL; what else tells a new
// cluster's members of each other is left out.
func (c *Cluster) Joining(member string, now []string) *Cluster {
	as := *c
	as.Members = slices.Clone(c.Members)
	for i, m := range as.Members {
		if m.Name == member {
			as.Members[i].Settings = m.Settings.joining(now)
		}
	}
	return &as
}

// founding are the settings that etcd reads at a member's first start only: once
// it has data it goes by that, whatever they say (seen on etcd 3.5.35, 3.6.16
// and 3.7.3). The member's own URLs are none of them: others go by these.
func founding(name string) bool {
	switch name {
	case "initial-cluster", "initial-cluster-state", "initial-cluster-token":
		return true
	}
	return name == "discovery" || strings.HasPrefix(name, "discovery-")
}

// foundedAs gives the settings with those of was that a member was founded by,
// in the place of its own.
func (s Settings) foundedAs(was Settings) Settings {
	return s.founded(slices.DeleteFunc(slices.Clone(was), func(x Setting) bool { return !founding(x.Name) }))
}

// joining gives the settings with those that a member joins an existing cluster
// by in the place of those that would found it.
func (s Settings) joining(now []string) Settings {
	by := Settings{{"initial-cluster", strings.Join(now, ",")}, {"initial-cluster-state", "existing"}}
	if token := s.Get("initial-cluster-token"); token != "" {
		by = append(by, Setting{"initial-cluster-token", token})
	}
	return s.founded(by)
}

// founded puts by where the first setting stands that a member is founded by.
func (s Settings) founded(by Settings) Settings {
	at := slices.IndexFunc(s, func(x Setting) bool { return founding(x.Name) })
	if at < 0 || len(by) == 0 {
		return s
	}
	rest := slices.DeleteFunc(slices.Clone(s), func(x Setting) bool { return founding(x.Name) })
	return slices.Insert(rest, at, by...)
}

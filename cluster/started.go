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
	as := *c
	as.Members = slices.Clone(c.Members)
	for i, m := range as.Members {
		if was, ok := started[m.Name]; ok {
			as.Members[i].Settings = m.Settings.foundedAs(was)
		}
	}
	return &as
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

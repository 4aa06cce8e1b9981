package adopt

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// Differences tell what will be otherwise, old and new: setting by setting, and of all
// else that members were given. What all members have in common has no server, and
// values that may be secret are not told.
func Differences(s *Stack, want *cluster.Cluster) []runtime.Change {
	common := runtime.Change{Kind: runtime.Replace}
	members := s.Members[:min(len(s.Members), len(want.Members))]
	shared := make([][]runtime.Difference, len(members))
	for i, m := range members {
		shared[i] = differing(slices.Concat(m.told(want, want.Members[i]), m.gets(want, want.Members[i])))
	}
	inAll := func(d runtime.Difference) bool {
		return !slices.ContainsFunc(shared, func(of []runtime.Difference) bool { return !slices.Contains(of, d) })
	}
	var all []runtime.Change
	for i, m := range members {
		one := runtime.Change{Server: m.Name, Kind: runtime.Replace, Differences: differing(m.placed(want.Members[i]))}
		for _, d := range shared[i] {
			switch {
			case !inAll(d):
				one.Differences = append(one.Differences, d)
			case i == 0:
				common.Differences = append(common.Differences, d)
			}
		}
		all = append(all, one)
	}
	return append([]runtime.Change{common}, all...)
}

func differing(all []runtime.Difference) []runtime.Difference {
	return slices.DeleteFunc(all, func(d runtime.Difference) bool { return d.Was == d.Is || meansSame(d.Name, d.Was, d.Is) })
}

// told is what a member runs and what etcd is told, and that of its successor.
func (m Member) told(want *cluster.Cluster, w cluster.Member) []runtime.Difference {
	var all []runtime.Difference
	if !want.Runtime.RunsPrograms() {
		all = append(all, runtime.Difference{Name: runtime.Image, Was: m.Program, Is: want.Image})
	}
	all = append(all,
		runtime.Difference{Name: "release", Was: m.Release, Is: want.Etcd.String()},
		runtime.Difference{Name: "tls", Was: tlsOf(m), Is: string(want.TLS)})
	m.Settings = translated(m.Settings)
	for _, o := range names(m.Settings, w.Settings) {
		if !identity[o] && !founds(o) && !tlsSetting(o) {
			all = append(all, runtime.Difference{Name: o, Was: shown(o, m.effective(o, want.Etcd.Minor)), Is: w.Settings.Get(o)})
		}
	}
	return all
}

// placed is where a member is found, and its successor.
func (m Member) placed(w cluster.Member) []runtime.Difference {
	return []runtime.Difference{
		{Name: "name", Was: m.Name, Is: w.Name},
		{Name: "clients reach it at", Was: m.Clients, Is: w.ClientURL()},
		{Name: "initial-advertise-peer-urls", Was: m.PeerURL(), Is: w.PeerURL()},
		{Name: "data", Was: m.DataAt, Is: cmp.Or(w.Store.Place(), w.Name+"-data")},
		{Name: runtime.Published, Was: strings.Join(m.Published, ","), Is: published(w)},
	}
}

// shown is a setting's value, if it may be seen: what etcd does not know was meant for
// something else, such as the password that an image's script gives root.
func shown(name, value string) string {
	if _, known := cluster.LookupSetting(name); !known && value != "" || strings.HasSuffix(name, "password") {
		return hidden
	}
	return value
}

// meansSame tells of values that etcd takes for the same: its own quota, a duration
// with or without its unit, no compaction.
func meansSame(name, was, is string) bool {
	switch name {
	case "quota-backend-bytes":
		const own = "2147483648"
		return (was == "" || was == "0") && is == own
	case "auto-compaction-mode":
		return was == "off"
	case "auto-compaction-retention":
		before, errBefore := time.ParseDuration(was)
		then, errThen := time.ParseDuration(is)
		return errBefore == nil && errThen == nil && before == then || was == "" && is == "0"
	case "heartbeat-interval", "election-timeout":
		return was == is+"ms"
	}
	return false
}

func published(m cluster.Member) string {
	if at := m.Published(); at.IsValid() {
		return at.String()
	}
	return ""
}

// effective is a setting's value, or etcd's own default.
func (m Member) effective(name string, minor int) string {
	value := m.Settings.Get(name)
	if known, ok := cluster.LookupSetting(name); ok && value == "" {
		o, _ := known.In(minor)
		value = o.Default
	}
	return value
}

func names(lists ...cluster.Settings) []string {
	var all []string
	for _, list := range lists {
		for _, s := range list {
			if !slices.Contains(all, s.Name) {
				all = append(all, s.Name)
			}
		}
	}
	return all
}

func tlsSetting(name string) bool {
	return strings.HasSuffix(name, "-file") || strings.Contains(name, "client-cert-auth") || strings.HasSuffix(name, "auto-tls")
}

func tlsOf(m Member) string {
	if m.Encrypted() {
		return "of others"
	}
	return string(cluster.NoTLS)
}

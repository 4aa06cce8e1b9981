package cluster

import (
	"slices"
	"strconv"
)

// This file says what is wrong with a Spec of which a key could not be read that
// decides which others make sense: whatever is wrong however that was meant.

// steering are such keys, and what each may mean.
var steering = map[string]func() []string{
	"members":   func() []string { return []string{"1", "3", strconv.Itoa(MaxMembers)} },
	"bootstrap": func() []string { return []string{string(Static), string(ByDiscovery), string(ByDNS)} },
	"tls":       func() []string { return []string{string(Mutual), string(AutoTLS), string(NoTLS)} },
	"publish":   func() []string { return []string{string(PublishNone), string(PublishLoopback)} },
	"image":     func() []string { return []string{"", OfficialImage + ":" + DefaultVersion.String()} },
	"etcd": func() []string {
		var all []string
		for minor := OldestMinor; minor <= NewestMinor; minor++ {
			all = append(all, KnownPatches[minor].String())
		}
		return all
	},
}

// readings are all that a Spec may have meant, where what it said is not clear.
func (s Spec) readings() []Spec {
	all := []Spec{s}
	for key, meanings := range steering {
		if !s.source.misread(key) {
			continue
		}
		var more []Spec
		for _, known := range all {
			for _, meant := range meanings() {
				more = append(more, known.meaning(key, meant))
			}
		}
		all = more
	}
	return all
}

// misread tells that the value of a key could not be read, or is one of two, and
// that no flag is in its place.
func (s *source) misread(key string) bool {
	return s != nil && !s.flags[key] && slices.ContainsFunc(s.unclear(), func(p Problem) bool { return p.Path == key })
}

// meaning gives a Spec that says something of a steering key.
func (s Spec) meaning(key, value string) Spec {
	if n, err := strconv.Atoi(value); key == "members" && err == nil {
		s.Members = Count(n)
		return s
	}
	s.Say(key, value)
	return s
}

// inAll gives the problems that all the lists have.
func inAll(lists []Problems) Problems {
	common := slices.Clone(lists[0])
	for _, list := range lists[1:] {
		common = slices.DeleteFunc(common, func(p Problem) bool { return !slices.Contains(list, p) })
	}
	return common
}

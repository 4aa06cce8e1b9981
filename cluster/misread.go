package cluster

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// This file says what is wrong with a Spec of which a key could not be read that
// decides which others make sense: whatever is wrong however that was meant.

// steering are such keys and what each may mean, besides the closed choices.
var steering = map[string]func() []string{
	"members": func() []string { return []string{"1", "3", strconv.Itoa(MaxMembers)} },
	"image":   func() []string { return []string{"", OfficialImage + ":" + DefaultVersion.String()} },
	"etcd": func() []string {
		var all []string
		for minor := OldestMinor; minor <= NewestMinor; minor++ {
			all = append(all, KnownPatches[minor].String())
		}
		return all
	},
}

// mayMean is what every key that may have been meant otherwise could say. What is no
// word of a closed choice is wrong whatever else the file says of it.
func (s Spec) mayMean() map[string][]string {
	all := map[string][]string{}
	for key, words := range steering {
		all[key] = words()
	}
	for _, c := range choices {
		said, _ := fieldByKey(reflect.ValueOf(s), c.Key)
		if said.IsZero() || slices.Contains(c.Takes(), said.String()) {
			all[c.Key] = c.Takes()
		}
	}
	return all
}

// mostReadings are enough: each takes about a millisecond, and of a file of which that
// much can't be read nobody wants to know the rest.
const mostReadings = 300

// readings are all that a Spec may have meant, where what it said is not clear.
func (s Spec) readings() []Spec {
	all, mayMean := []Spec{s}, s.mayMean()
	for _, key := range slices.Sorted(maps.Keys(mayMean)) {
		if !s.source.misread(key) || len(all)*len(mayMean[key]) > mostReadings {
			continue
		}
		var more []Spec
		for _, known := range all {
			for _, meant := range mayMean[key] {
				more = append(more, known.saying(key, meant))
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

// saying gives a Spec that says something of a steering key.
func (s Spec) saying(key, value string) Spec {
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

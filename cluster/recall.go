package cluster

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Wish is what a cluster was started with, to be kept with what runs: the keys
// that flags gave, and what the file said of them then. It is empty when
// nothing was given by flags. Recall reads it.
func (s Spec) Wish() string {
	if s.source == nil || len(s.source.flags) == 0 {
		return ""
	}
	flagged := func(key string) bool { return s.source.flags[key] && key != nameKey }
	text := s.only(flagged).Text()
	if said := s.source.said.only(flagged).Text(); text != "" && said != "" {
		text += documentEnd + said
	}
	return text
}

// Flags are the keys that flags gave, now or when the cluster was started: what a command
// line has to say to describe it as it is. They are in the order of Keys, the folder of
// certificates last.
func (s Spec) Flags() []Variable {
	if s.source == nil {
		return nil
	}
	var all []Variable
	for _, key := range append(Keys(), Key{Name: "certs-dir"}) {
		switch {
		case !s.source.flags[key.Name]:
		case key.Name == "members":
			all = append(all, Variable{key.Name, strconv.Itoa(s.Members.Count)})
		default:
			all = append(all, Variable{key.Name, s.field(key.Name).String()})
		}
	}
	return all
}

// Overridden are the keys that the file says and a flag says otherwise, now or when the
// cluster was started: whoever has nothing but the file starts another cluster by it.
func (s Spec) Overridden() Problems {
	var all Problems
	for _, v := range s.Flags() {
		was, said := s.source.said.field(v.Name), s.source.lines[v.Name]
		if v.Name == nameKey || said == 0 || reflect.DeepEqual(was.Interface(), s.value(v.Name)) {
			continue
		}
		all = append(all, Problem{File: s.source.file, Line: said, Path: v.Name, Message: fmt.Sprintf(
			"is %s here, and %s by a flag, which is kept with what runs and nowhere else: write it here", orLess(was), v.Value)})
	}
	return all
}

// orLess is a value as it is written in one word, where it can be.
func orLess(v reflect.Value) string {
	if v.Kind() == reflect.String {
		return v.String()
	}
	return "something else"
}

// nameKey is how a cluster is found, and no part of what it was started with.
const nameKey = "name"

const documentEnd = "---\n"

// Recall completes a spec with what flags gave when its cluster was started, and
// gives the keys that it took, sorted. A key that a flag gives now, or that the
// file says otherwise than it did then, is as it is said now; and of etcd and image,
// each of which names a release, the one that is said now goes before the other. A
// number takes no list's place that says more than names.
func (s Spec) Recall(wish string) (Spec, []string) { return s.RecallBut(wish) }

// RecallBut is Recall of all keys but some.
func (s Spec) RecallBut(wish string, but ...string) (Spec, []string) {
	flags, said, _ := strings.Cut(wish, documentEnd)
	kept, err := Load("what the cluster was started with", []byte(flags))
	then, errThen := Load("what the cluster was started with", []byte(said))
	if err != nil || errThen != nil {
		return s, nil // noted by another program than this
	}
	now := map[string]bool{}
	if s.source != nil {
		now = s.source.flags
	}
	before, taken := s, []string(nil)
	take := func(key string) bool {
		return !now[key] && reflect.DeepEqual(s.value(key), then.value(key)) && !reflect.DeepEqual(s.value(key), kept.value(key))
	}
	for _, key := range kept.keys() {
		other, release := releaseKeys[key]
		if slices.Contains(but, key) || !take(key) || key == "members" && len(s.Members.more()) > 0 || release && !take(other) && s.twoReleases(kept, key) {
			continue
		}
		s.field(key).Set(reflect.ValueOf(kept.value(key)))
		taken = append(taken, key)
	}
	if len(taken) > 0 {
		s.source = s.source.flagged(taken, before)
	}
	slices.Sort(taken)
	return s, taken
}

// releaseKeys are the keys that name a release, each with the other.
var releaseKeys = map[string]string{"etcd": "image", "image": "etcd"}

// twoReleases reports whether etcd and image name different ones with one of the
// two as kept has it.
func (s Spec) twoReleases(kept Spec, key string) bool {
	s.field(key).Set(reflect.ValueOf(kept.value(key)))
	release, err := ParseVersion(s.Etcd)
	tagged, errTag := taggedRelease(s.Image)
	return err == nil && errTag == nil && !tagged.isOf(s.Etcd, release)
}

// only gives the spec with some of its keys.
func (s Spec) only(keep func(key string) bool) Spec {
	var some Spec
	for _, key := range s.keys() {
		if keep(key) {
			some.field(key).Set(reflect.ValueOf(s.value(key)))
		}
	}
	return some
}

// keys are those that the spec says something of.
func (s Spec) keys() []string {
	var keys []string
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		if key := v.Type().Field(i).Tag.Get("key"); key != "" && !v.Field(i).IsZero() {
			keys = append(keys, key)
		}
	}
	return keys
}

// SaysNothing tells that no key has a value, as in an empty file.
func (s Spec) SaysNothing() bool { return len(s.keys()) == 0 }

func (s *Spec) field(key string) reflect.Value {
	field, _ := fieldByKey(reflect.ValueOf(s).Elem(), key)
	return field
}

func (s Spec) value(key string) any { return s.field(key).Interface() }

// flagged gives the source with keys that count as given by flags, so that they
// are kept further on. before is the spec without them.
func (s *source) flagged(keys []string, before Spec) *source {
	var next source
	if s != nil {
		next = *s
		next.flags = maps.Clone(s.flags)
	}
	if next.flags == nil {
		next.flags, next.said = map[string]bool{}, before
		next.said.source = nil
	}
	for _, key := range keys {
		next.flags[key] = true
	}
	return &next
}

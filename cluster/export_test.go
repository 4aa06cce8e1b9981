package cluster

import (
	"maps"
	"slices"
)

// Knows tells whether etcd 3.minor has a setting.
func Knows(minor int, name string) bool {
	known, _ := LookupSetting(name)
	_, ok := known.In(minor)
	return ok
}

// MeaningNames lists the settings that meaning.go says something of.
func MeaningNames() []string { return slices.Collect(maps.Keys(meanings)) }

package certs

import (
	"fmt"
	"slices"
	"strings"
)

// match lists the names that a person's shorthand stands for: a full name such
// as clients/alice or members/etcd1/peer, a folder such as members/etcd1, or a
// last word such as alice or etcd1.
func match(names []string, word string) ([]string, error) {
	word = strings.Trim(word, "/")
	var found []string
	for _, name := range names {
		if name == word || strings.HasPrefix(name, word+"/") && strings.Contains(word, "/") {
			return within(names, word), nil
		}
		if folder, _, _ := strings.Cut(strings.TrimPrefix(name, kind(name)+"/"), "/"); folder == word {
			found = append(found, name)
		}
	}
	switch {
	case len(found) == 0:
		return nil, &NameError{fmt.Sprintf("there is no identity %q: `etcdctr certs list` names them all", word)}
	case slices.ContainsFunc(found, func(n string) bool { return kind(n) != kind(found[0]) }):
		return nil, &NameError{fmt.Sprintf("%q may be any of %s: write the one you mean in full", word, strings.Join(found, ", "))}
	}
	return found, nil
}

// NameError is the error of a word that stands for no identity, or for several kinds.
type NameError struct{ reason string }

func (e *NameError) Error() string { return e.reason }

// kind is the first folder of a name: members, servers or clients.
func kind(name string) string {
	first, _, _ := strings.Cut(name, "/")
	return first
}

// within lists the names that are the folder or in it.
func within(names []string, folder string) []string {
	var list []string
	for _, n := range names {
		if n == folder || strings.HasPrefix(n, folder+"/") {
			list = append(list, n)
		}
	}
	return list
}

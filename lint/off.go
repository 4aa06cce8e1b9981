package lint

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
)

// offKey is the key of a Compose file, or of a service in it, that switches
// rules off: a list of their IDs.
const offKey = "x-etcdctr-lint"

// readOff reads the rules that a mapping switches off.
func readOff(v *value) ([]string, error) {
	e, ok := v.find(offKey)
	if !ok {
		return nil, nil
	}
	ids := e.value
	if ids.kind == mapping {
		ids = ids.get("off")
	}
	off := ids.words()
	if len(off) == 0 {
		return nil, fmt.Errorf("%s: %s must be a list of rules that are off, such as %s: [single-member]", e.at, offKey, offKey)
	}
	if err := CheckIDs(off); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", e.at, offKey, err)
	}
	return off, nil
}

// RuleIDs are those of all rules, in their order.
func RuleIDs() []string {
	var ids []string
	for _, r := range rules {
		ids = append(ids, r.ID)
	}
	return ids
}

// CheckIDs wants each of some words to be the ID of a rule.
func CheckIDs(ids []string) error {
	known := RuleIDs()
	var bad []string
	near := true
	for _, id := range ids {
		if slices.Contains(known, id) {
			continue
		}
		text := fmt.Sprintf("there is no rule %q", id)
		meant := meantBy(id, known)
		if near = near && len(meant) > 0; len(meant) > 0 {
			text += ": did you mean " + strings.Join(meant, ", ") + "?"
		}
		bad = append(bad, text)
	}
	if bad == nil {
		return nil
	}
	if !near {
		bad = append(bad, "docs/lint.md lists them, and every finding names its own")
	}
	return errors.New(strings.Join(bad, "; "))
}

// meantBy are the IDs that may be meant by a word: those that it is a part of, such as
// tls, unless they are too many to choose from, or else the one that it is nearly.
func meantBy(word string, known []string) []string {
	const choice = 8
	part := slices.DeleteFunc(slices.Clone(known), func(id string) bool { return !strings.Contains(id, word) })
	if len(part) > 0 && len(part) <= choice {
		return part
	}
	if near := cluster.Nearest(word, known); near != "" {
		return []string{near}
	}
	return nil
}

func (m *Member) isOff(rule string) bool { return slices.Contains(m.off, rule) }

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
		meant := cluster.Nearest(id, known)
		if near = near && meant != ""; meant != "" {
			meant = ": did you mean " + meant + "?"
		}
		bad = append(bad, fmt.Sprintf("there is no rule %q%s", id, meant))
	}
	if bad == nil {
		return nil
	}
	if !near {
		bad = append(bad, "the rules are "+strings.Join(known, ", "))
	}
	return errors.New(strings.Join(bad, "; "))
}

func (m *Member) isOff(rule string) bool { return slices.Contains(m.off, rule) }

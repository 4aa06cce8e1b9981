// Package listed writes lists as sentences have them.
package listed

import "strings"

// And joins words of which all are meant: a, b and c.
func And(words []string) string { return joined(words, " and ") }

// Or joins words of which one is meant: a, b or c.
func Or(words []string) string { return joined(words, " or ") }

// Of gives the word that goes with so many: is with one, and are with several.
func Of(n int, one, several string) string {
	if n == 1 {
		return one
	}
	return several
}

func joined(words []string, last string) string {
	n := len(words) - 1
	if n < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n], ", ") + last + words[n]
}

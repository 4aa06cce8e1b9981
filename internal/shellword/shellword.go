// Package shellword writes command lines that somebody can type.
package shellword

import (
	"regexp"
	"strings"
)

// plain values mean the same to every shell without quotes.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:=,@%+\[\]-]+$`)

// Quote writes a value as one word for a POSIX shell.
func Quote(value string) string {
	if plain.MatchString(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

// Line writes words as a command line.
func Line(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = Quote(w)
	}
	return strings.Join(quoted, " ")
}

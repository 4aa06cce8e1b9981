package logs

import "regexp"

// Filter chooses entries.
type Filter struct {
	Level Level          // the least grave that is wanted
	Grep  *regexp.Regexp // matches the line as it is shown or as it was written; nil for all
}

// Wants reports whether an entry is chosen. shown is the line as people see it.
func (f Filter) Wants(e Entry, shown string) bool {
	return e.Level >= f.Level && (f.Grep == nil || f.Grep.MatchString(shown) || f.Grep.MatchString(e.Text))
}

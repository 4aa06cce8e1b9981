package lint

import (
	"cmp"
	"fmt"
)

// Place is where something stands. Lines and columns count from 1, columns in
// characters; both are 0 for what stands in no particular line.
type Place struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// String gives "file:line:column", as far as each is known.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

func comparePlaces(a, b Place) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// Severity is how bad a finding is.
type Severity string

// The severities, worst first.
const (
	Error   Severity = "error"   // it loses data, opens a port or forms several clusters
	Warning Severity = "warning" // it fails some day, or at once
	Note    Severity = "note"    // it could be better
)

// Severities lists them, worst first.
func Severities() []Severity { return []Severity{Error, Warning, Note} }

// AtLeast tells whether s is as bad as t, or worse.
func (s Severity) AtLeast(t Severity) bool { return s.rank() <= t.rank() }

func (s Severity) rank() int {
	for i, one := range Severities() {
		if s == one {
			return i
		}
	}
	return len(Severities())
}

// Finding is one thing that a rule has against a description.
type Finding struct {
	Rule     string   `json:"rule"` // the ID, for ever the same
	Severity Severity `json:"severity"`
	Place
	// Member is the member that it is about, by the name of its service,
	// process or unit; empty for what concerns the whole.
	Member  string `json:"member,omitempty"`
	Message string `json:"message"` // what it is
	Why     string `json:"why"`     // why it matters
	Fix     string `json:"fix"`     // what to do
	// Fixable tells that Fix can write it.
	Fixable bool `json:"fixable"`
	// Cuts is who loses the way to the member where Fix writes it, or what the member loses
	// where Fix writes anything else; empty: nothing.
	Cuts string `json:"cuts,omitempty"`

	unkept bool   // see found
	alike  *alike // see found
	fix    func(*editor)
}

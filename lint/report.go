package lint

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Count tells how many findings there are of a severity.
func Count(findings []Finding, s Severity) int {
	n := 0
	for _, f := range findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// Worst tells whether any finding is as bad as s, or worse.
func Worst(findings []Finding, s Severity) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity.AtLeast(s) })
}

// Header is that of Rows.
var Header = []string{"severity", "where", "rule", "member", "finding"}

// Rows are findings as lines of a table, worst first, each with why it matters
// and its fix on lines below. What several members have alike is told once.
func Rows(findings []Finding) [][]string {
	findings = slices.Clone(findings)
	slices.SortStableFunc(findings, func(a, b Finding) int { return a.Severity.rank() - b.Severity.rank() })
	type likeness struct{ rule, message, fix string }
	at := map[likeness]int{}
	var rows [][]string
	for _, f := range findings {
		key := likeness{f.Rule, f.Message, f.Fix}
		if i, again := at[key]; again && f.Member != "" {
			if !strings.Contains(", "+rows[i][3]+", ", ", "+f.Member+", ") {
				rows[i][3] += ", " + f.Member
			}
			continue
		}
		at[key] = len(rows)
		rows = append(rows,
			[]string{string(f.Severity), f.String(), f.Rule, f.Member, f.Message},
			[]string{"", "", "", "", "  why: " + f.Why},
			[]string{"", "", "", "", "  fix: " + f.Fix},
		)
	}
	return rows
}

// WriteGitHub writes findings as GitHub's workflow commands, which show them
// beside the lines of a pull request.
func WriteGitHub(w io.Writer, findings []Finding) error {
	kinds := map[Severity]string{Error: "error", Warning: "warning", Note: "notice"}
	for _, f := range findings {
		message := f.Message + ": " + f.Why + "\nfix: " + f.Fix
		if f.Member != "" {
			message = f.Member + ": " + message
		}
		var at string
		if f.Line > 0 {
			at = fmt.Sprintf(",line=%d,col=%d", f.Line, f.Column)
		}
		_, err := fmt.Fprintf(w, "::%s file=%s%s,title=%s::%s\n", kinds[f.Severity], gitHubProperty.Replace(f.File), at, f.Rule, gitHubData.Replace(message))
		if err != nil {
			return err
		}
	}
	return nil
}

// What GitHub's runner takes for its own in a command has to be escaped.
var (
	gitHubData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	gitHubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// Summary counts findings in words.
func Summary(findings []Finding) string {
	var parts []string
	for _, s := range Severities() {
		if n := Count(findings, s); n > 0 {
			parts = append(parts, plural(n, string(s)))
		}
	}
	if parts == nil {
		return "no finding"
	}
	return strings.Join(parts, ", ")
}

func plural(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return fmt.Sprintf("%d %s", n, word)
}

// CutsHeader is that of CutsRows.
var CutsHeader = []string{"where", "rule", "member", "is cut off by --fix"}

// CutsRows are the findings whose fixes cut somebody off, as lines of a table.
func CutsRows(findings []Finding) [][]string {
	var rows [][]string
	for _, f := range findings {
		if f.Cuts != "" {
			rows = append(rows, []string{f.String(), f.Rule, f.Member, f.Cuts})
		}
	}
	return rows
}

// Left are the findings that Fix does not put right.
func Left(findings []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return f.Fixable })
}

// Fixable counts the findings that Fix can put right.
func Fixable(findings []Finding) int {
	n := 0
	for _, f := range findings {
		if f.Fixable {
			n++
		}
	}
	return n
}

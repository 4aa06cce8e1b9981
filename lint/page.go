package lint

import (
	"fmt"
	"strings"
)

// ExplainID is Explain of the rule of an ID. The error names the rules that there are.
func ExplainID(id string) (string, error) {
	if r, ok := RuleByID(id); ok {
		return Explain(r), nil
	}
	return "", CheckIDs([]string{id})
}

// Explain says what a rule is about, for a terminal.
func Explain(r Rule) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s\n\n%s.\n", r.ID, r.Severity, r.Title, sentence(r.Why))
	if r.Choice {
		b.WriteString("Where etcdctr was asked for it by name, it is no finding.\n")
	}
	if r.Cuts != "" {
		fmt.Fprintf(&b, "What --fix writes cuts off %s.\n", r.Cuts)
	}
	fmt.Fprintf(&b, "\nnot so:\n\n%s\n\nbut so:\n\n%s\n\nsource: %s\n", r.Bad, r.Good, r.Source)
	return b.String()
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// Page is docs/lint.md's list of rules.
func Page() string {
	var b strings.Builder
	b.WriteString("| rule | severity | what it finds |\n|---|---|---|\n")
	for _, r := range rules {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", r.ID, r.ID, r.Severity, r.Title)
	}
	for _, r := range rules {
		fmt.Fprintf(&b, "\n### %s\n\n%s", r.ID, markdown(r))
	}
	return b.String()
}

func markdown(r Rule) string {
	choice := ""
	if r.Choice {
		choice = " Where etcdctr was asked for it by name, it is no finding."
	}
	return fmt.Sprintf("**%s**: %s. %s.%s\n\nNot so:\n\n```yaml\n%s\n```\n\nBut so:\n\n```yaml\n%s\n```\n\nSource: %s\n",
		r.Severity, r.Title, sentence(r.Why), choice, r.Bad, r.Good, r.Source)
}

package lint

import (
	"cmp"
	"slices"
)

// Rule is one thing that descriptions are judged by.
type Rule struct {
	ID       string   // for ever the same
	Severity Severity // the worst that its findings have
	Title    string   // what is wrong
	Why      string   // why it matters
	Source   string   // where that is known from
	Bad      string   // an example that has it
	Good     string   // the same without
	// Choice tells that etcdctr itself makes such descriptions, when it is asked
	// to by name. In its own it is no finding.
	Choice bool
	// Cuts is who is cut off where a finding is put right by a rule of thumb, and what they
	// would need instead; empty: nobody.
	Cuts string
	// Blind tells that it needs no settings to judge by.
	Blind bool

	check func(*Stack, *reporter)
}

// Rules lists all rules in reading order.
func Rules() []Rule { return slices.Clone(rules) }

// RuleByID gives a rule by its ID.
func RuleByID(id string) (Rule, bool) {
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return rules[i], true
}

// Check judges a stack by all rules but those that are off. Findings are in
// the order of the file.
func Check(s *Stack, off ...string) []Finding {
	var findings []Finding
	for i := range rules {
		if rule := &rules[i]; !slices.Contains(off, rule.ID) && !slices.Contains(s.Off, rule.ID) {
			r := &reporter{rule: rule}
			rule.check(s.seenBy(rule), r)
			findings = append(findings, r.findings...)
		}
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(comparePlaces(a.Place, b.Place), cmp.Compare(a.Severity.rank(), b.Severity.rank()))
	})
	findings = slices.CompactFunc(findings, func(a, b Finding) bool {
		return a.Rule == b.Rule && a.Place == b.Place && a.Member == b.Member && a.Message == b.Message
	})
	for i := range findings {
		if findings[i].Fixable = findings[i].canFix(); !findings[i].Fixable {
			findings[i].Cuts = ""
		}
	}
	keepAlike(findings)
	if slices.ContainsFunc(findings, func(f Finding) bool { return f.Fixable && s.hasMember(f.Member) }) {
		for i := range findings {
			if findings[i].unkept {
				findings[i].Cuts = losesData
			}
		}
	}
	return findings
}

// losesData is who is cut off where anything is put right beside a member whose data is in
// its container: services share lines, and an engine makes a container anew whose service
// has changed.
const losesData = "what it holds, with its container, which `docker compose up` makes anew then: `etcdctr adopt` takes it along, `etcdctr backup --endpoints` keeps it"

// hasMember tells whether a service is a member.
func (s *Stack) hasMember(service string) bool {
	return slices.ContainsFunc(s.Members, func(m *Member) bool { return m.Service == service })
}

// seenBy gives the stack without the members whose settings are not known, if
// the rule is about settings.
func (s *Stack) seenBy(rule *Rule) *Stack {
	if rule.Blind || !slices.ContainsFunc(s.Members, func(m *Member) bool { return m.blind }) {
		return s
	}
	seen := *s
	seen.groups, seen.families, seen.partly = nil, nil, true
	seen.Members = slices.DeleteFunc(slices.Clone(s.Members), func(m *Member) bool { return m.blind })
	return &seen
}

// reporter collects what one rule finds.
type reporter struct {
	rule     *Rule
	findings []Finding
}

// found is what a check tells of one finding.
type found struct {
	at       Place
	severity Severity // that of the rule if empty
	message  string
	why      string // that of the rule if empty
	remedy   string
	unkept   bool   // what the member holds goes with its container
	alike    *alike // the fixes that have to be made together; nil: it stands alone
	fix      func(*editor)
}

// in reports something about a member.
func (r *reporter) in(m *Member, f found) {
	if r.rule.Choice && m.Ours || m.isOff(r.rule.ID) {
		if f.alike != nil {
			f.alike.broken = true
		}
		return
	}
	if f.at == (Place{}) {
		f.at = m.At
	}
	r.add(m.Service, f)
}

func (r *reporter) add(member string, f found) {
	r.findings = append(r.findings, Finding{
		Rule: r.rule.ID, Severity: cmp.Or(f.severity, r.rule.Severity), Place: f.at, Member: member,
		Message: f.message, Why: cmp.Or(f.why, r.rule.Why), Fix: f.remedy, Cuts: r.rule.Cuts, unkept: f.unkept, alike: f.alike, fix: f.fix,
	})
}

// eachMember makes a check of one that looks at a member alone.
func eachMember(check func(*Member, *reporter)) func(*Stack, *reporter) {
	return func(s *Stack, r *reporter) {
		for _, m := range s.Members {
			check(m, r)
		}
	}
}

// eachContainer is eachMember for those that run in containers.
func eachContainer(check func(*Member, *Container, *reporter)) func(*Stack, *reporter) {
	return eachMember(func(m *Member, r *reporter) {
		if m.Container != nil {
			check(m, m.Container, r)
		}
	})
}

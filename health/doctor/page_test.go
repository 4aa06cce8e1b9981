package doctor

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the pages that are made of the rules and of what members say")

const page = "../../docs/troubleshooting.md"

// TestPage holds the page of messages to the rules that the doctor goes by.
// `make docs` writes it.
func TestPage(t *testing.T) {
	want := troubleshooting()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s differs from the rules; run `make docs`:\n%s", page, diff)
	}
}

func TestAMessageReadsAsItIsWritten(t *testing.T) {
	for pattern, want := range map[string]string{
		`no space left on device`:                     "no space left on device",
		`(?:open|mkdir) (\S*/member/\S+): permission`: "open …/member/…: permission",
		`(?:mkdir|open) (\S+?):? read-only`:           "mkdir … read-only",
		`flag provided.*: (ETCD_\w+)`:                 "flag provided…: ETCD_…",
		`listen tcp4? \S+:(\d+): bind`:                "listen tcp …:…: bind",
		`lookup (\S+?)(?: on \S+)?: no such`:          "lookup …: no such",
	} {
		if got := message(regexp.MustCompile(pattern)); got != want {
			t.Errorf("%s reads %q, want %q", pattern, got, want)
		}
	}
}

func troubleshooting() string {
	var b strings.Builder
	b.WriteString(`# Troubleshooting by message

` + "`etcdctr doctor`" + ` reads the logs of all members, compares them, and says which one is ill,
why, and what helps: the same message may be the cause on one member and only follow
from it on another. ` + "`etcdctr up`" + ` does the same when a start fails. This page is what it
goes by, made from its rules, for who has a message and nothing else: search it for a
part of yours. … stands for what differs.

Where the remedy depends on the other members, it is not here: the wrong one may
delete the last copy of what the cluster holds. The doctor asks them first.
`)
	for i, g := range groups {
		rules := g.rules()
		if i == 0 {
			rules = engineErrors()
		}
		fmt.Fprintf(&b, "\n## %s\n\n| message | cause | what helps |\n|---|---|---|\n", g.title)
		for _, r := range rules {
			fmt.Fprintf(&b, "| `%s`%s | %s | %s |\n", message(r.pattern), alongside(r), cell(r.cause), helps(r))
		}
	}
	b.WriteString(`
Another message, or none: ` + "`etcdctr doctor`" + ` first, then ` + "`etcdctr logs --level warn`" + `. What etcdctr
itself says ends with a hint, and its exit codes are in [CI](ci.md). What is slow or
full rather than broken is in [health](health.md) and [backup](backup.md), and how etcd
behaves where good guesses are wrong in [behaviour](behaviour/README.md).
`)
	return b.String()
}

// message is what a rule recognises, as it stands in a log, with … for what differs.
func message(pattern *regexp.Regexp) string {
	parsed, err := syntax.Parse(pattern.String(), syntax.Perl)
	if err != nil {
		return err.Error()
	}
	text := regexp.MustCompile(`…[…\s]*…`).ReplaceAllString(words(parsed), "…")
	return strings.ReplaceAll(strings.TrimSpace(text), "|", `\|`)
}

// alongside is the other message that a rule wants to see, where it takes two.
func alongside(r rule) string {
	if r.with == nil {
		return ""
	}
	return " beside `" + message(r.with) + "`"
}

// words reads an expression: the first of alternatives, and nothing of what may be
// missing.
func words(e *syntax.Regexp) string {
	switch e.Op {
	case syntax.OpLiteral:
		return string(e.Rune)
	case syntax.OpAlternate:
		return words(e.Sub[0])
	case syntax.OpCapture:
		return words(e.Sub[0])
	case syntax.OpConcat:
		var all strings.Builder
		for _, sub := range e.Sub {
			all.WriteString(words(sub))
		}
		return all.String()
	case syntax.OpQuest, syntax.OpBeginText, syntax.OpEndText, syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpWordBoundary:
		return ""
	}
	return "…"
}

// helps is the remedy as somebody types it for the cluster in the current folder.
func helps(r rule) string {
	if r.fault != ownFault {
		return "`etcdctr doctor` says, by the other members"
	}
	remedy := r.remedy
	if remedy.Kind == CreateCerts || remedy.Kind == ReloadCerts {
		return "`etcdctr doctor` says, by the authority that is there"
	}
	if remedy.Kind.isOfMember() {
		remedy.Member = "MEMBER"
	}
	remedy.Value = unnamed(remedy.Value)
	if r.filtered {
		remedy.Value = "…"
	}
	command := strings.Join(strings.Fields(Evidence{Disk: "df -h"}.command(remedy)), " ")
	switch {
	case command != "":
		return "`" + command + "`"
	case remedy.Kind == NoRemedy:
		return "what the cause says"
	}
	return remedy.byHand()
}

// unnamed is a text with … for what the message would fill in.
func unnamed(s string) string { return regexp.MustCompile(`\$\{?\d\}?`).ReplaceAllString(s, "…") }

func cell(s string) string { return strings.ReplaceAll(unnamed(s), "|", `\|`) }

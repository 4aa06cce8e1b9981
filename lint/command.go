package lint

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/etcdctr/etcdctr/cluster"
)

// This file finds etcd in command lines, with a shell around it or without.

// invocation is a program that a command line runs.
type invocation struct {
	program   string // the last part of its path; empty if there are only flags
	arguments []word
	variables []*variable // set for it alone, or exported before it
	ours      bool        // etcdctr runs it
}

// shells are programs that run a script of their arguments.
var shells = map[string]bool{"sh": true, "bash": true, "ash": true, "dash": true, "zsh": true, "ksh": true}

// launchers run what follows them, after options of their own.
var launchers = map[string]bool{
	"env": true, "tini": true, "dumb-init": true, "nice": true, "ionice": true, "exec": true, "gosu": true, "su-exec": true,
	"nohup": true, "time": true, "sudo": true, "setpriv": true,
}

// invocations lists what a command line runs, looking into shells and
// launchers.
func invocations(words []word) []invocation { return unwrap(words, deepestShell) }

// deepestShell is how many shells within shells are looked into.
const deepestShell = 4

func unwrap(words []word, depth int) []invocation {
	if len(words) == 0 || depth == 0 {
		return nil
	}
	first := path.Base(words[0].text)
	switch {
	case strings.HasPrefix(words[0].text, "-"):
		return []invocation{{arguments: words}}
	case shells[first]:
		for i, w := range words[1:] {
			if isShellCommandFlag(w.text) && i+2 < len(words) {
				return script(words[i+2], depth-1)
			}
		}
		return []invocation{{program: first, arguments: words[1:]}}
	case launchers[first]:
		return launched(words, depth)
	}
	return []invocation{{program: first, arguments: words[1:]}}
}

// isShellCommandFlag matches -c, also among other letters: -ec, -lc.
func isShellCommandFlag(s string) bool {
	return strings.HasPrefix(s, "-") && !strings.HasPrefix(s, "--") && strings.HasSuffix(s, "c")
}

// launched skips a launcher's own options and assignments.
func launched(words []word, depth int) []invocation {
	var vars []*variable
	rest := words[1:]
	for len(rest) > 0 {
		w := rest[0].text
		name, val, assigned := strings.Cut(w, "=")
		switch {
		case w == "--":
			rest = rest[1:]
		case strings.HasPrefix(w, "-"):
			rest = rest[1:]
			continue
		case assigned && isName(name):
			vars = append(vars, &variable{name: name, value: val, set: true, at: rest[0].at})
			rest = rest[1:]
			continue
		}
		break
	}
	// gosu and su-exec name a user first.
	if first := path.Base(words[0].text); (first == "gosu" || first == "su-exec") && len(rest) > 1 {
		rest = rest[1:]
	}
	out := unwrap(rest, depth-1)
	for i := range out {
		out[i].variables = append(vars, out[i].variables...)
	}
	return out
}

func isName(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// script lists what a shell script runs.
func script(w word, depth int) []invocation {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(w.text), "")
	if err != nil || depth == 0 {
		return nil
	}
	var out []invocation
	var exported []*variable
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.DeclClause:
			if n.Variant.Value == "export" {
				exported = append(exported, assignments(n.Args, w)...)
			}
		case *syntax.CallExpr:
			vars := assignments(n.Assigns, w)
			if len(n.Args) == 0 {
				exported = append(exported, vars...)
				break
			}
			var words []word
			for _, arg := range n.Args {
				words = append(words, word{wordText(arg, w.text), w.at})
			}
			for _, found := range unwrap(words, depth-1) {
				found.variables = append(append(append([]*variable{}, exported...), vars...), found.variables...)
				out = append(out, found)
			}
		}
		return true
	})
	return out
}

func assignments(list []*syntax.Assign, w word) []*variable {
	var out []*variable
	for _, a := range list {
		if a.Name == nil {
			continue
		}
		v := &variable{name: a.Name.Value, set: a.Value != nil, at: w.at}
		if a.Value != nil {
			v.value = wordText(a.Value, w.text)
		}
		out = append(out, v)
	}
	return out
}

// wordText gives a word without its quotes. What the shell will put in stays as
// it is written.
func wordText(w *syntax.Word, src string) string {
	var b strings.Builder
	for _, part := range w.Parts {
		switch p := part.(type) {
		case *syntax.Lit:
			b.WriteString(unescape(p.Value))
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			b.WriteString(wordText(&syntax.Word{Parts: p.Parts}, src))
		default:
			b.WriteString(source(part, src))
		}
	}
	return b.String()
}

func source(n syntax.Node, src string) string {
	from, to := int(n.Pos().Offset()), int(n.End().Offset())
	if from < 0 || to > len(src) || from > to {
		return "$"
	}
	return src[from:to]
}

// unescape takes the backslashes out of a bare word.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if s[i] == '\n' {
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// isBoolean tells whether a flag needs no value.
func isBoolean(name string) bool {
	k, ok := cluster.LookupSetting(name)
	if !ok {
		return false
	}
	minors := k.Minors()
	o, _ := k.In(minors[len(minors)-1])
	return o.Kind == cluster.Boolean
}

// readFlags reads flags as Go's flag package does: with one dash or two, the
// value after an equals sign or as the next word, booleans without any.
func readFlags(words []word, place func(string, Place) Place) []Setting {
	var out []Setting
	for i := 0; i < len(words); i++ {
		w := words[i]
		if !strings.HasPrefix(w.text, "-") || w.text == "-" || w.text == "--" {
			continue
		}
		written, val, given := strings.Cut(w.text, "=")
		name := strings.TrimPrefix(strings.TrimPrefix(written, "-"), "-")
		if !given {
			switch next := i + 1; {
			case isBoolean(name) || next >= len(words) || strings.HasPrefix(words[next].text, "-"):
				val = "true"
			default:
				val, i = words[next].text, next
			}
		}
		out = append(out, Setting{
			Setting: cluster.Setting{Name: name, Value: val}, Form: Flag, Written: written, At: place(written, w.at),
		})
	}
	return out
}

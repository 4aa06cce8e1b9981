package lint

import (
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/etcdctr/etcdctr/internal/loopback"
)

// This file writes health checks anew that need a program which the image lacks.

// withoutShell gives a health check that does what one in a shell, or by curl or wget, is
// meant to do; nil where that is not plain.
func (m *Member) withoutShell(test []string) []string {
	encrypted := strings.Contains(m.get("listen-client-urls"), "https:")
	if test[0] == "CMD" {
		if !encrypted && m.asksHealth(test[1:]) {
			return []string{"CMD", "etcdctl", "endpoint", "health"}
		}
		return nil
	}
	if len(test) != 2 {
		return nil
	}
	words := plainCommand(test[1])
	switch {
	case len(words) == 0:
		return nil
	case words[0] == "etcdctl" && (!encrypted || slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, "--cacert") })):
		return append([]string{"CMD"}, words...)
	case !encrypted && m.asksHealth(words):
		return []string{"CMD", "etcdctl", "endpoint", "health"}
	}
	return nil
}

// plainCommand gives the words of a command for which no shell is needed, but for its exit
// code and for a variable that every etcdctl without a shell takes for granted; nil for
// another one.
func plainCommand(text string) []string {
	text = strings.TrimSpace(text)
	for _, end := range []string{"|| exit 1", "|| false"} {
		text = strings.TrimSpace(strings.TrimSuffix(text, end))
	}
	if strings.ContainsAny(text, "\"'\\$`;&|<>()*?[]{}~#!\n") {
		return nil
	}
	words := strings.Fields(text)
	if len(words) > 0 && words[0] == "ETCDCTL_API=3" {
		words = words[1:]
	}
	return words
}

// asksHealth tells whether a command asks a member itself for its health, where etcdctl
// looks for it, too.
func (m *Member) asksHealth(words []string) bool {
	if len(words) < 2 || !slices.Contains([]string{"curl", "wget"}, words[0]) {
		return false
	}
	u, err := url.Parse(words[len(words)-1])
	if err != nil || u.Scheme != "http" || !loopback.Host(u.Hostname()) || u.Port() != "2379" || u.Path != "/health" {
		return false
	}
	return slices.ContainsFunc(strings.Split(m.get("listen-client-urls"), ","), func(at string) bool {
		l, err := url.Parse(strings.TrimSpace(at))
		return err == nil && l.Port() == "2379" && (loopback.Host(l.Hostname()) || l.Hostname() == "0.0.0.0" || l.Hostname() == "::")
	})
}

// flowList writes words as a list in flow style.
func flowList(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = flowWord(0, w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// flowWord is quoteLike for an item of a list in flow style.
func flowWord(style yaml.Style, word string) string {
	if style == 0 && strings.ContainsAny(word, ",[]{}") {
		style = yaml.DoubleQuotedStyle
	}
	return quoteLike(style, word)
}

// setWords gives a scalar, or a list of scalars, other words, as a list.
func (e *editor) setWords(v *value, words []string) {
	isWritten := func(s *value) bool { return s.node != nil && s.node.Value == s.text } // and not by a variable
	if v == nil || v.doc == nil || slices.ContainsFunc(v.scalars(), func(s *value) bool { return !isWritten(s) }) {
		e.failed = true
		return
	}
	if v.kind == scalar {
		from, to, ok := v.doc.span(v.node)
		if !ok {
			e.failed = true
			return
		}
		e.replace(v.doc, from, to, flowList(words))
		return
	}
	if v.kind != list || len(v.items) == 0 {
		e.failed = true
		return
	}
	first, last := v.items[0], v.items[len(v.items)-1]
	from, _, begins := v.doc.span(first.node)
	_, to, ends := v.doc.span(last.node)
	between := ", "
	if v.node.Style&yaml.FlowStyle == 0 {
		dash, ok := v.doc.dash(first.node)
		begins, between = begins && ok, "\n"+strings.Repeat(" ", dash)+"- "
	}
	if !begins || !ends {
		e.failed = true
		return
	}
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = flowWord(first.node.Style, w)
	}
	e.replace(v.doc, from, to, strings.Join(quoted, between))
}
